"""The wire: SMPP 3.3, 3.4 and 5.0 as values, octets in and octets out. It knows no other room.

Tables: `constants`, `spec`, `tlvspec`; `pdus` and docs/protocol.md are generated from them. Octets:
`framing`, `codec`. What is in a message: `text`, `concat`, `receipts`, `smpptime`, `validate`. The
conversation: `session`; `protocol` alone knows Twisted. Nothing is imported here, so that `generate` runs
without `pdus`.
"""
