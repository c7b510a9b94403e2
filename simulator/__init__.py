"""An SMSC that misbehaves on request, and an ESME that makes load; `gateway.smpp` in the opposite role."""
