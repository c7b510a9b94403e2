"""The wire: SMPP 3.3, 3.4 and 5.0 as values, octets in and octets out. It knows no other room."""
