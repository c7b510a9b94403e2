"""The PDUs as values, and their codec; from spec.py by `python -m gateway.smpp.generate`.

The decoders raise one of fields.BODY_ERRORS for a body that they cannot read, the encoders for a value that
does not fit; codec.py turns both into what its callers expect.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, NamedTuple

from .fields import (
    Destination,
    Tlv,
    UnsuccessSme,
    decode_destinations,
    decode_tlvs,
    decode_unsuccess,
    encode_destinations,
    encode_tlvs,
    encode_unsuccess,
)

_header = Struct(">IIII").pack
_new = tuple.__new__


class BindTransmitter(NamedTuple):
    """bind_transmitter (v3.4 section 4.1.1)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000002


def decode_bind_transmitter(frame: bytes, sequence_number: int, command_status: int) -> BindTransmitter:
    """Raises one of BODY_ERRORS if the body is not that of bind_transmitter."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 32)
        system_id = text[16:end]
    else:
        end, system_id = 16, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 9)
        password = text[start:end]
    else:
        end, password = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 13)
        system_type = text[start:end]
    else:
        end, system_type = start, ""
    interface_version = frame[end + 1]
    addr_ton = frame[end + 2]
    addr_npi = frame[end + 3]
    start = end + 4
    if frame[start]:
        end = frame.index(0, start, start + 41)
        address_range = text[start:end]
    else:
        end, address_range = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(
        BindTransmitter,
        (
            sequence_number,
            command_status,
            system_id,
            password,
            system_type,
            interface_version,
            addr_ton,
            addr_npi,
            address_range,
            tlvs,
        ),
    )


def encode_bind_transmitter(pdu: BindTransmitter) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        system_id,
        password,
        system_type,
        interface_version,
        addr_ton,
        addr_npi,
        address_range,
        tlvs,
    ) = pdu
    joined = f"{system_id}\0{password}\0{system_type}\0{address_range}"
    raw_system_id, raw_password, raw_system_type, raw_address_range = joined.encode("latin-1").split(b"\0")
    if (
        len(raw_system_id) >= 16
        or len(raw_password) >= 9
        or len(raw_system_type) >= 13
        or len(raw_address_range) >= 41
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%b\0%b\0%c%c%c%b\0" % (
        raw_system_id,
        raw_password,
        raw_system_type,
        interface_version,
        addr_ton,
        addr_npi,
        raw_address_range,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000002, command_status, sequence_number) + body


class BindTransmitterResp(NamedTuple):
    """bind_transmitter_resp (v3.4 section 4.1.2)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000002


def decode_bind_transmitter_resp(
    frame: bytes, sequence_number: int, command_status: int
) -> BindTransmitterResp:
    """Raises one of BODY_ERRORS if the body is not that of bind_transmitter_resp."""
    if len(frame) == 16:
        return BindTransmitterResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        system_id = frame[16:end].decode("latin-1")
    else:
        end, system_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(BindTransmitterResp, (sequence_number, command_status, system_id, tlvs))


def encode_bind_transmitter_resp(pdu: BindTransmitterResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, system_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000002, command_status, sequence_number)
    raw_system_id = system_id.encode("latin-1")
    if len(raw_system_id) >= 256 or 0 in raw_system_id:
        raise ValueError("system_id is no C-octet string")
    body = raw_system_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000002, command_status, sequence_number) + body


class BindReceiver(NamedTuple):
    """bind_receiver (v3.4 section 4.1.3)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000001


def decode_bind_receiver(frame: bytes, sequence_number: int, command_status: int) -> BindReceiver:
    """Raises one of BODY_ERRORS if the body is not that of bind_receiver."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 32)
        system_id = text[16:end]
    else:
        end, system_id = 16, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 9)
        password = text[start:end]
    else:
        end, password = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 13)
        system_type = text[start:end]
    else:
        end, system_type = start, ""
    interface_version = frame[end + 1]
    addr_ton = frame[end + 2]
    addr_npi = frame[end + 3]
    start = end + 4
    if frame[start]:
        end = frame.index(0, start, start + 41)
        address_range = text[start:end]
    else:
        end, address_range = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(
        BindReceiver,
        (
            sequence_number,
            command_status,
            system_id,
            password,
            system_type,
            interface_version,
            addr_ton,
            addr_npi,
            address_range,
            tlvs,
        ),
    )


def encode_bind_receiver(pdu: BindReceiver) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        system_id,
        password,
        system_type,
        interface_version,
        addr_ton,
        addr_npi,
        address_range,
        tlvs,
    ) = pdu
    joined = f"{system_id}\0{password}\0{system_type}\0{address_range}"
    raw_system_id, raw_password, raw_system_type, raw_address_range = joined.encode("latin-1").split(b"\0")
    if (
        len(raw_system_id) >= 16
        or len(raw_password) >= 9
        or len(raw_system_type) >= 13
        or len(raw_address_range) >= 41
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%b\0%b\0%c%c%c%b\0" % (
        raw_system_id,
        raw_password,
        raw_system_type,
        interface_version,
        addr_ton,
        addr_npi,
        raw_address_range,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000001, command_status, sequence_number) + body


class BindReceiverResp(NamedTuple):
    """bind_receiver_resp (v3.4 section 4.1.4)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000001


def decode_bind_receiver_resp(frame: bytes, sequence_number: int, command_status: int) -> BindReceiverResp:
    """Raises one of BODY_ERRORS if the body is not that of bind_receiver_resp."""
    if len(frame) == 16:
        return BindReceiverResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        system_id = frame[16:end].decode("latin-1")
    else:
        end, system_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(BindReceiverResp, (sequence_number, command_status, system_id, tlvs))


def encode_bind_receiver_resp(pdu: BindReceiverResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, system_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000001, command_status, sequence_number)
    raw_system_id = system_id.encode("latin-1")
    if len(raw_system_id) >= 256 or 0 in raw_system_id:
        raise ValueError("system_id is no C-octet string")
    body = raw_system_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000001, command_status, sequence_number) + body


class BindTransceiver(NamedTuple):
    """bind_transceiver (v3.4 section 4.1.5)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    password: str = ""
    system_type: str = ""
    interface_version: int = 0x34
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000009


def decode_bind_transceiver(frame: bytes, sequence_number: int, command_status: int) -> BindTransceiver:
    """Raises one of BODY_ERRORS if the body is not that of bind_transceiver."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 32)
        system_id = text[16:end]
    else:
        end, system_id = 16, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 9)
        password = text[start:end]
    else:
        end, password = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 13)
        system_type = text[start:end]
    else:
        end, system_type = start, ""
    interface_version = frame[end + 1]
    addr_ton = frame[end + 2]
    addr_npi = frame[end + 3]
    start = end + 4
    if frame[start]:
        end = frame.index(0, start, start + 41)
        address_range = text[start:end]
    else:
        end, address_range = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(
        BindTransceiver,
        (
            sequence_number,
            command_status,
            system_id,
            password,
            system_type,
            interface_version,
            addr_ton,
            addr_npi,
            address_range,
            tlvs,
        ),
    )


def encode_bind_transceiver(pdu: BindTransceiver) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        system_id,
        password,
        system_type,
        interface_version,
        addr_ton,
        addr_npi,
        address_range,
        tlvs,
    ) = pdu
    joined = f"{system_id}\0{password}\0{system_type}\0{address_range}"
    raw_system_id, raw_password, raw_system_type, raw_address_range = joined.encode("latin-1").split(b"\0")
    if (
        len(raw_system_id) >= 16
        or len(raw_password) >= 9
        or len(raw_system_type) >= 13
        or len(raw_address_range) >= 41
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%b\0%b\0%c%c%c%b\0" % (
        raw_system_id,
        raw_password,
        raw_system_type,
        interface_version,
        addr_ton,
        addr_npi,
        raw_address_range,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000009, command_status, sequence_number) + body


class BindTransceiverResp(NamedTuple):
    """bind_transceiver_resp (v3.4 section 4.1.6)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000009


def decode_bind_transceiver_resp(
    frame: bytes, sequence_number: int, command_status: int
) -> BindTransceiverResp:
    """Raises one of BODY_ERRORS if the body is not that of bind_transceiver_resp."""
    if len(frame) == 16:
        return BindTransceiverResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        system_id = frame[16:end].decode("latin-1")
    else:
        end, system_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(BindTransceiverResp, (sequence_number, command_status, system_id, tlvs))


def encode_bind_transceiver_resp(pdu: BindTransceiverResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, system_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000009, command_status, sequence_number)
    raw_system_id = system_id.encode("latin-1")
    if len(raw_system_id) >= 256 or 0 in raw_system_id:
        raise ValueError("system_id is no C-octet string")
    body = raw_system_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000009, command_status, sequence_number) + body


class Outbind(NamedTuple):
    """outbind (v3.4 section 4.1.7)."""

    sequence_number: int = 0
    command_status: int = 0
    system_id: str = ""
    password: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x0000000B


def decode_outbind(frame: bytes, sequence_number: int, command_status: int) -> Outbind:
    """Raises one of BODY_ERRORS if the body is not that of outbind."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 32)
        system_id = text[16:end]
    else:
        end, system_id = 16, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 9)
        password = text[start:end]
    else:
        end, password = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(Outbind, (sequence_number, command_status, system_id, password, tlvs))


def encode_outbind(pdu: Outbind) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, system_id, password, tlvs = pdu
    joined = f"{system_id}\0{password}"
    raw_system_id, raw_password = joined.encode("latin-1").split(b"\0")
    if len(raw_system_id) >= 16 or len(raw_password) >= 9:
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%b\0" % (
        raw_system_id,
        raw_password,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x0000000B, command_status, sequence_number) + body


class Unbind(NamedTuple):
    """unbind (v3.4 section 4.2.1)."""

    sequence_number: int = 0
    command_status: int = 0

    @property
    def command_id(self) -> int:
        return 0x00000006


def decode_unbind(frame: bytes, sequence_number: int, command_status: int) -> Unbind:
    """Raises one of BODY_ERRORS if the body is not that of unbind."""
    if len(frame) == 16:
        return Unbind(sequence_number, command_status)
    raise ValueError("octets after the header")


def encode_unbind(pdu: Unbind) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    return _header(16, 0x00000006, pdu.command_status, pdu.sequence_number)


class UnbindResp(NamedTuple):
    """unbind_resp (v3.4 section 4.2.2)."""

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000006


def decode_unbind_resp(frame: bytes, sequence_number: int, command_status: int) -> UnbindResp:
    """Raises one of BODY_ERRORS if the body is not that of unbind_resp."""
    if len(frame) == 16:
        return UnbindResp(sequence_number, command_status)
    tlvs = decode_tlvs(frame, 16) if len(frame) > 16 else ()
    return _new(UnbindResp, (sequence_number, command_status, tlvs))


def encode_unbind_resp(pdu: UnbindResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, tlvs = pdu
    body = encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000006, command_status, sequence_number) + body


class GenericNack(NamedTuple):
    """generic_nack (v3.4 section 4.3.1)."""

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000000


def decode_generic_nack(frame: bytes, sequence_number: int, command_status: int) -> GenericNack:
    """Raises one of BODY_ERRORS if the body is not that of generic_nack."""
    if len(frame) == 16:
        return GenericNack(sequence_number, command_status)
    tlvs = decode_tlvs(frame, 16) if len(frame) > 16 else ()
    return _new(GenericNack, (sequence_number, command_status, tlvs))


def encode_generic_nack(pdu: GenericNack) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, tlvs = pdu
    body = encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000000, command_status, sequence_number) + body


class SubmitSm(NamedTuple):
    """submit_sm (v3.4 section 4.4.1)."""

    sequence_number: int = 0
    command_status: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000004


def decode_submit_sm(frame: bytes, sequence_number: int, command_status: int) -> SubmitSm:
    """Raises one of BODY_ERRORS if the body is not that of submit_sm."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 22)
        service_type = text[16:end]
    else:
        end, service_type = 16, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    dest_addr_ton = frame[end + 1]
    dest_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        destination_addr = text[start:end]
    else:
        end, destination_addr = start, ""
    esm_class = frame[end + 1]
    protocol_id = frame[end + 2]
    priority_flag = frame[end + 3]
    start = end + 4
    if frame[start]:
        end = frame.index(0, start, start + 17)
        schedule_delivery_time = text[start:end]
    else:
        end, schedule_delivery_time = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 17)
        validity_period = text[start:end]
    else:
        end, validity_period = start, ""
    registered_delivery = frame[end + 1]
    replace_if_present_flag = frame[end + 2]
    data_coding = frame[end + 3]
    sm_default_msg_id = frame[end + 4]
    start = end + 6
    end = start + frame[start - 1]
    if end > len(frame):
        raise IndexError("sm_length past the end of the PDU")
    short_message = frame[start:end]
    tlvs = decode_tlvs(frame, end) if len(frame) > end else ()
    return _new(
        SubmitSm,
        (
            sequence_number,
            command_status,
            service_type,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            dest_addr_ton,
            dest_addr_npi,
            destination_addr,
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            replace_if_present_flag,
            data_coding,
            sm_default_msg_id,
            short_message,
            tlvs,
        ),
    )


def encode_submit_sm(pdu: SubmitSm) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        service_type,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        esm_class,
        protocol_id,
        priority_flag,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs,
    ) = pdu
    joined = f"{service_type}\0{source_addr}\0{destination_addr}\0{schedule_delivery_time}\0{validity_period}"
    (
        raw_service_type,
        raw_source_addr,
        raw_destination_addr,
        raw_schedule_delivery_time,
        raw_validity_period,
    ) = joined.encode("latin-1").split(b"\0")
    if (
        len(raw_service_type) >= 6
        or len(raw_source_addr) >= 21
        or len(raw_destination_addr) >= 21
        or len(raw_schedule_delivery_time) >= 17
        or len(raw_validity_period) >= 17
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%c%c%b\0%c%c%b\0%c%c%c%b\0%b\0%c%c%c%c%c%b" % (
        raw_service_type,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        dest_addr_ton,
        dest_addr_npi,
        raw_destination_addr,
        esm_class,
        protocol_id,
        priority_flag,
        raw_schedule_delivery_time,
        raw_validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        len(short_message),
        short_message,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000004, command_status, sequence_number) + body


class SubmitSmResp(NamedTuple):
    """submit_sm_resp (v3.4 section 4.4.2)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000004


def decode_submit_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> SubmitSmResp:
    """Raises one of BODY_ERRORS if the body is not that of submit_sm_resp."""
    if len(frame) == 16:
        return SubmitSmResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = frame[16:end].decode("latin-1")
    else:
        end, message_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(SubmitSmResp, (sequence_number, command_status, message_id, tlvs))


def encode_submit_sm_resp(pdu: SubmitSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000004, command_status, sequence_number)
    raw_message_id = message_id.encode("latin-1")
    if len(raw_message_id) >= 256 or 0 in raw_message_id:
        raise ValueError("message_id is no C-octet string")
    body = raw_message_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000004, command_status, sequence_number) + body


class SubmitMulti(NamedTuple):
    """submit_multi (v3.4 section 4.5.1)."""

    sequence_number: int = 0
    command_status: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addresses: tuple[Destination, ...] = ()
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000021


def decode_submit_multi(frame: bytes, sequence_number: int, command_status: int) -> SubmitMulti:
    """Raises one of BODY_ERRORS if the body is not that of submit_multi."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 22)
        service_type = text[16:end]
    else:
        end, service_type = 16, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    dest_addresses, end = decode_destinations(frame, end + 1)
    esm_class = frame[end]
    protocol_id = frame[end + 1]
    priority_flag = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 17)
        schedule_delivery_time = text[start:end]
    else:
        end, schedule_delivery_time = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 17)
        validity_period = text[start:end]
    else:
        end, validity_period = start, ""
    registered_delivery = frame[end + 1]
    replace_if_present_flag = frame[end + 2]
    data_coding = frame[end + 3]
    sm_default_msg_id = frame[end + 4]
    start = end + 6
    end = start + frame[start - 1]
    if end > len(frame):
        raise IndexError("sm_length past the end of the PDU")
    short_message = frame[start:end]
    tlvs = decode_tlvs(frame, end) if len(frame) > end else ()
    return _new(
        SubmitMulti,
        (
            sequence_number,
            command_status,
            service_type,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            dest_addresses,
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            replace_if_present_flag,
            data_coding,
            sm_default_msg_id,
            short_message,
            tlvs,
        ),
    )


def encode_submit_multi(pdu: SubmitMulti) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        service_type,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addresses,
        esm_class,
        protocol_id,
        priority_flag,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs,
    ) = pdu
    joined = f"{service_type}\0{source_addr}\0{schedule_delivery_time}\0{validity_period}"
    raw_service_type, raw_source_addr, raw_schedule_delivery_time, raw_validity_period = joined.encode(
        "latin-1"
    ).split(b"\0")
    if (
        len(raw_service_type) >= 6
        or len(raw_source_addr) >= 21
        or len(raw_schedule_delivery_time) >= 17
        or len(raw_validity_period) >= 17
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%c%c%b\0%b%c%c%c%b\0%b\0%c%c%c%c%c%b" % (
        raw_service_type,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        encode_destinations(dest_addresses),
        esm_class,
        protocol_id,
        priority_flag,
        raw_schedule_delivery_time,
        raw_validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        len(short_message),
        short_message,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000021, command_status, sequence_number) + body


class SubmitMultiResp(NamedTuple):
    """submit_multi_resp (v3.4 section 4.5.2)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    unsuccess_sme: tuple[UnsuccessSme, ...] = ()
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000021


def decode_submit_multi_resp(frame: bytes, sequence_number: int, command_status: int) -> SubmitMultiResp:
    """Raises one of BODY_ERRORS if the body is not that of submit_multi_resp."""
    if len(frame) == 16:
        return SubmitMultiResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = frame[16:end].decode("latin-1")
    else:
        end, message_id = 16, ""
    unsuccess_sme, end = decode_unsuccess(frame, end + 1)
    tlvs = decode_tlvs(frame, end) if len(frame) > end else ()
    return _new(SubmitMultiResp, (sequence_number, command_status, message_id, unsuccess_sme, tlvs))


def encode_submit_multi_resp(pdu: SubmitMultiResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, unsuccess_sme, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000021, command_status, sequence_number)
    raw_message_id = message_id.encode("latin-1")
    if len(raw_message_id) >= 256 or 0 in raw_message_id:
        raise ValueError("message_id is no C-octet string")
    body = b"%b\0%b" % (
        raw_message_id,
        encode_unsuccess(unsuccess_sme),
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000021, command_status, sequence_number) + body


class DeliverSm(NamedTuple):
    """deliver_sm (v3.4 section 4.6.1)."""

    sequence_number: int = 0
    command_status: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    replace_if_present_flag: int = 0
    data_coding: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000005


def decode_deliver_sm(frame: bytes, sequence_number: int, command_status: int) -> DeliverSm:
    """Raises one of BODY_ERRORS if the body is not that of deliver_sm."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 272)
        service_type = text[16:end]
    else:
        end, service_type = 16, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 256)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    dest_addr_ton = frame[end + 1]
    dest_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 256)
        destination_addr = text[start:end]
    else:
        end, destination_addr = start, ""
    esm_class = frame[end + 1]
    protocol_id = frame[end + 2]
    priority_flag = frame[end + 3]
    start = end + 4
    if frame[start]:
        end = frame.index(0, start, start + 17)
        schedule_delivery_time = text[start:end]
    else:
        end, schedule_delivery_time = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 17)
        validity_period = text[start:end]
    else:
        end, validity_period = start, ""
    registered_delivery = frame[end + 1]
    replace_if_present_flag = frame[end + 2]
    data_coding = frame[end + 3]
    sm_default_msg_id = frame[end + 4]
    start = end + 6
    end = start + frame[start - 1]
    if end > len(frame):
        raise IndexError("sm_length past the end of the PDU")
    short_message = frame[start:end]
    tlvs = decode_tlvs(frame, end) if len(frame) > end else ()
    return _new(
        DeliverSm,
        (
            sequence_number,
            command_status,
            service_type,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            dest_addr_ton,
            dest_addr_npi,
            destination_addr,
            esm_class,
            protocol_id,
            priority_flag,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            replace_if_present_flag,
            data_coding,
            sm_default_msg_id,
            short_message,
            tlvs,
        ),
    )


def encode_deliver_sm(pdu: DeliverSm) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        service_type,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        esm_class,
        protocol_id,
        priority_flag,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        short_message,
        tlvs,
    ) = pdu
    joined = f"{service_type}\0{source_addr}\0{destination_addr}\0{schedule_delivery_time}\0{validity_period}"
    (
        raw_service_type,
        raw_source_addr,
        raw_destination_addr,
        raw_schedule_delivery_time,
        raw_validity_period,
    ) = joined.encode("latin-1").split(b"\0")
    if (
        len(raw_service_type) >= 256
        or len(raw_source_addr) >= 256
        or len(raw_destination_addr) >= 256
        or len(raw_schedule_delivery_time) >= 17
        or len(raw_validity_period) >= 17
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%c%c%b\0%c%c%b\0%c%c%c%b\0%b\0%c%c%c%c%c%b" % (
        raw_service_type,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        dest_addr_ton,
        dest_addr_npi,
        raw_destination_addr,
        esm_class,
        protocol_id,
        priority_flag,
        raw_schedule_delivery_time,
        raw_validity_period,
        registered_delivery,
        replace_if_present_flag,
        data_coding,
        sm_default_msg_id,
        len(short_message),
        short_message,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000005, command_status, sequence_number) + body


class DeliverSmResp(NamedTuple):
    """deliver_sm_resp (v3.4 section 4.6.2)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000005


def decode_deliver_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> DeliverSmResp:
    """Raises one of BODY_ERRORS if the body is not that of deliver_sm_resp."""
    if len(frame) == 16:
        return DeliverSmResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = frame[16:end].decode("latin-1")
    else:
        end, message_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(DeliverSmResp, (sequence_number, command_status, message_id, tlvs))


def encode_deliver_sm_resp(pdu: DeliverSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000005, command_status, sequence_number)
    raw_message_id = message_id.encode("latin-1")
    if len(raw_message_id) >= 256 or 0 in raw_message_id:
        raise ValueError("message_id is no C-octet string")
    body = raw_message_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000005, command_status, sequence_number) + body


class DataSm(NamedTuple):
    """data_sm (v3.4 section 4.7.1)."""

    sequence_number: int = 0
    command_status: int = 0
    service_type: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    esm_class: int = 0
    registered_delivery: int = 0
    data_coding: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000103


def decode_data_sm(frame: bytes, sequence_number: int, command_status: int) -> DataSm:
    """Raises one of BODY_ERRORS if the body is not that of data_sm."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 22)
        service_type = text[16:end]
    else:
        end, service_type = 16, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 65)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    dest_addr_ton = frame[end + 1]
    dest_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 65)
        destination_addr = text[start:end]
    else:
        end, destination_addr = start, ""
    esm_class = frame[end + 1]
    registered_delivery = frame[end + 2]
    data_coding = frame[end + 3]
    tlvs = decode_tlvs(frame, end + 4) if len(frame) > end + 4 else ()
    return _new(
        DataSm,
        (
            sequence_number,
            command_status,
            service_type,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            dest_addr_ton,
            dest_addr_npi,
            destination_addr,
            esm_class,
            registered_delivery,
            data_coding,
            tlvs,
        ),
    )


def encode_data_sm(pdu: DataSm) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        service_type,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        esm_class,
        registered_delivery,
        data_coding,
        tlvs,
    ) = pdu
    joined = f"{service_type}\0{source_addr}\0{destination_addr}"
    raw_service_type, raw_source_addr, raw_destination_addr = joined.encode("latin-1").split(b"\0")
    if len(raw_service_type) >= 6 or len(raw_source_addr) >= 65 or len(raw_destination_addr) >= 65:
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%c%c%b\0%c%c%b\0%c%c%c" % (
        raw_service_type,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        dest_addr_ton,
        dest_addr_npi,
        raw_destination_addr,
        esm_class,
        registered_delivery,
        data_coding,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000103, command_status, sequence_number) + body


class DataSmResp(NamedTuple):
    """data_sm_resp (v3.4 section 4.7.2)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000103


def decode_data_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> DataSmResp:
    """Raises one of BODY_ERRORS if the body is not that of data_sm_resp."""
    if len(frame) == 16:
        return DataSmResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = frame[16:end].decode("latin-1")
    else:
        end, message_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(DataSmResp, (sequence_number, command_status, message_id, tlvs))


def encode_data_sm_resp(pdu: DataSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000103, command_status, sequence_number)
    raw_message_id = message_id.encode("latin-1")
    if len(raw_message_id) >= 256 or 0 in raw_message_id:
        raise ValueError("message_id is no C-octet string")
    body = raw_message_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000103, command_status, sequence_number) + body


class QuerySm(NamedTuple):
    """query_sm (v3.4 section 4.8.1)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000003


def decode_query_sm(frame: bytes, sequence_number: int, command_status: int) -> QuerySm:
    """Raises one of BODY_ERRORS if the body is not that of query_sm."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 81)
        message_id = text[16:end]
    else:
        end, message_id = 16, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(
        QuerySm,
        (sequence_number, command_status, message_id, source_addr_ton, source_addr_npi, source_addr, tlvs),
    )


def encode_query_sm(pdu: QuerySm) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, source_addr_ton, source_addr_npi, source_addr, tlvs = pdu
    joined = f"{message_id}\0{source_addr}"
    raw_message_id, raw_source_addr = joined.encode("latin-1").split(b"\0")
    if len(raw_message_id) >= 65 or len(raw_source_addr) >= 21:
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%c%c%b\0" % (
        raw_message_id,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000003, command_status, sequence_number) + body


class QuerySmResp(NamedTuple):
    """query_sm_resp (v3.4 section 4.8.2)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    final_date: str = ""
    message_state: int = 0
    error_code: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000003


def decode_query_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> QuerySmResp:
    """Raises one of BODY_ERRORS if the body is not that of query_sm_resp."""
    if len(frame) == 16:
        return QuerySmResp(sequence_number, command_status)
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = text[16:end]
    else:
        end, message_id = 16, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 17)
        final_date = text[start:end]
    else:
        end, final_date = start, ""
    message_state = frame[end + 1]
    error_code = frame[end + 2]
    tlvs = decode_tlvs(frame, end + 3) if len(frame) > end + 3 else ()
    return _new(
        QuerySmResp,
        (sequence_number, command_status, message_id, final_date, message_state, error_code, tlvs),
    )


def encode_query_sm_resp(pdu: QuerySmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, final_date, message_state, error_code, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000003, command_status, sequence_number)
    joined = f"{message_id}\0{final_date}"
    raw_message_id, raw_final_date = joined.encode("latin-1").split(b"\0")
    if len(raw_message_id) >= 256 or len(raw_final_date) >= 17:
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%b\0%c%c" % (
        raw_message_id,
        raw_final_date,
        message_state,
        error_code,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000003, command_status, sequence_number) + body


class CancelSm(NamedTuple):
    """cancel_sm (v3.4 section 4.9.1)."""

    sequence_number: int = 0
    command_status: int = 0
    service_type: str = ""
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    dest_addr_ton: int = 0
    dest_addr_npi: int = 0
    destination_addr: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000008


def decode_cancel_sm(frame: bytes, sequence_number: int, command_status: int) -> CancelSm:
    """Raises one of BODY_ERRORS if the body is not that of cancel_sm."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 22)
        service_type = text[16:end]
    else:
        end, service_type = 16, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 65)
        message_id = text[start:end]
    else:
        end, message_id = start, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    dest_addr_ton = frame[end + 1]
    dest_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        destination_addr = text[start:end]
    else:
        end, destination_addr = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(
        CancelSm,
        (
            sequence_number,
            command_status,
            service_type,
            message_id,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            dest_addr_ton,
            dest_addr_npi,
            destination_addr,
            tlvs,
        ),
    )


def encode_cancel_sm(pdu: CancelSm) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        service_type,
        message_id,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        dest_addr_ton,
        dest_addr_npi,
        destination_addr,
        tlvs,
    ) = pdu
    joined = f"{service_type}\0{message_id}\0{source_addr}\0{destination_addr}"
    raw_service_type, raw_message_id, raw_source_addr, raw_destination_addr = joined.encode("latin-1").split(
        b"\0"
    )
    if (
        len(raw_service_type) >= 6
        or len(raw_message_id) >= 65
        or len(raw_source_addr) >= 21
        or len(raw_destination_addr) >= 21
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%b\0%c%c%b\0%c%c%b\0" % (
        raw_service_type,
        raw_message_id,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        dest_addr_ton,
        dest_addr_npi,
        raw_destination_addr,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000008, command_status, sequence_number) + body


class CancelSmResp(NamedTuple):
    """cancel_sm_resp (v3.4 section 4.9.2)."""

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000008


def decode_cancel_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> CancelSmResp:
    """Raises one of BODY_ERRORS if the body is not that of cancel_sm_resp."""
    if len(frame) == 16:
        return CancelSmResp(sequence_number, command_status)
    tlvs = decode_tlvs(frame, 16) if len(frame) > 16 else ()
    return _new(CancelSmResp, (sequence_number, command_status, tlvs))


def encode_cancel_sm_resp(pdu: CancelSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, tlvs = pdu
    body = encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000008, command_status, sequence_number) + body


class ReplaceSm(NamedTuple):
    """replace_sm (v3.4 section 4.10.1)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    schedule_delivery_time: str = ""
    validity_period: str = ""
    registered_delivery: int = 0
    sm_default_msg_id: int = 0
    short_message: bytes = b""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000007


def decode_replace_sm(frame: bytes, sequence_number: int, command_status: int) -> ReplaceSm:
    """Raises one of BODY_ERRORS if the body is not that of replace_sm."""
    text = frame.decode("latin-1")
    if frame[16]:
        end = frame.index(0, 16, 81)
        message_id = text[16:end]
    else:
        end, message_id = 16, ""
    source_addr_ton = frame[end + 1]
    source_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 21)
        source_addr = text[start:end]
    else:
        end, source_addr = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 17)
        schedule_delivery_time = text[start:end]
    else:
        end, schedule_delivery_time = start, ""
    start = end + 1
    if frame[start]:
        end = frame.index(0, start, start + 17)
        validity_period = text[start:end]
    else:
        end, validity_period = start, ""
    registered_delivery = frame[end + 1]
    sm_default_msg_id = frame[end + 2]
    start = end + 4
    end = start + frame[start - 1]
    if end > len(frame):
        raise IndexError("sm_length past the end of the PDU")
    short_message = frame[start:end]
    tlvs = decode_tlvs(frame, end) if len(frame) > end else ()
    return _new(
        ReplaceSm,
        (
            sequence_number,
            command_status,
            message_id,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            schedule_delivery_time,
            validity_period,
            registered_delivery,
            sm_default_msg_id,
            short_message,
            tlvs,
        ),
    )


def encode_replace_sm(pdu: ReplaceSm) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        message_id,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        schedule_delivery_time,
        validity_period,
        registered_delivery,
        sm_default_msg_id,
        short_message,
        tlvs,
    ) = pdu
    joined = f"{message_id}\0{source_addr}\0{schedule_delivery_time}\0{validity_period}"
    raw_message_id, raw_source_addr, raw_schedule_delivery_time, raw_validity_period = joined.encode(
        "latin-1"
    ).split(b"\0")
    if (
        len(raw_message_id) >= 65
        or len(raw_source_addr) >= 21
        or len(raw_schedule_delivery_time) >= 17
        or len(raw_validity_period) >= 17
    ):
        raise ValueError("a C-octet string is too long")
    body = b"%b\0%c%c%b\0%b\0%b\0%c%c%c%b" % (
        raw_message_id,
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        raw_schedule_delivery_time,
        raw_validity_period,
        registered_delivery,
        sm_default_msg_id,
        len(short_message),
        short_message,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000007, command_status, sequence_number) + body


class ReplaceSmResp(NamedTuple):
    """replace_sm_resp (v3.4 section 4.10.2)."""

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000007


def decode_replace_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> ReplaceSmResp:
    """Raises one of BODY_ERRORS if the body is not that of replace_sm_resp."""
    if len(frame) == 16:
        return ReplaceSmResp(sequence_number, command_status)
    tlvs = decode_tlvs(frame, 16) if len(frame) > 16 else ()
    return _new(ReplaceSmResp, (sequence_number, command_status, tlvs))


def encode_replace_sm_resp(pdu: ReplaceSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, tlvs = pdu
    body = encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000007, command_status, sequence_number) + body


class EnquireLink(NamedTuple):
    """enquire_link (v3.4 section 4.11.1)."""

    sequence_number: int = 0
    command_status: int = 0

    @property
    def command_id(self) -> int:
        return 0x00000015


def decode_enquire_link(frame: bytes, sequence_number: int, command_status: int) -> EnquireLink:
    """Raises one of BODY_ERRORS if the body is not that of enquire_link."""
    if len(frame) == 16:
        return EnquireLink(sequence_number, command_status)
    raise ValueError("octets after the header")


def encode_enquire_link(pdu: EnquireLink) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    return _header(16, 0x00000015, pdu.command_status, pdu.sequence_number)


class EnquireLinkResp(NamedTuple):
    """enquire_link_resp (v3.4 section 4.11.2)."""

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000015


def decode_enquire_link_resp(frame: bytes, sequence_number: int, command_status: int) -> EnquireLinkResp:
    """Raises one of BODY_ERRORS if the body is not that of enquire_link_resp."""
    if len(frame) == 16:
        return EnquireLinkResp(sequence_number, command_status)
    tlvs = decode_tlvs(frame, 16) if len(frame) > 16 else ()
    return _new(EnquireLinkResp, (sequence_number, command_status, tlvs))


def encode_enquire_link_resp(pdu: EnquireLinkResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, tlvs = pdu
    body = encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000015, command_status, sequence_number) + body


class AlertNotification(NamedTuple):
    """alert_notification (v3.4 section 4.12.1)."""

    sequence_number: int = 0
    command_status: int = 0
    source_addr_ton: int = 0
    source_addr_npi: int = 0
    source_addr: str = ""
    esme_addr_ton: int = 0
    esme_addr_npi: int = 0
    esme_addr: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x00000102


def decode_alert_notification(frame: bytes, sequence_number: int, command_status: int) -> AlertNotification:
    """Raises one of BODY_ERRORS if the body is not that of alert_notification."""
    text = frame.decode("latin-1")
    source_addr_ton = frame[16]
    source_addr_npi = frame[17]
    if frame[18]:
        end = frame.index(0, 18, 83)
        source_addr = text[18:end]
    else:
        end, source_addr = 18, ""
    esme_addr_ton = frame[end + 1]
    esme_addr_npi = frame[end + 2]
    start = end + 3
    if frame[start]:
        end = frame.index(0, start, start + 65)
        esme_addr = text[start:end]
    else:
        end, esme_addr = start, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(
        AlertNotification,
        (
            sequence_number,
            command_status,
            source_addr_ton,
            source_addr_npi,
            source_addr,
            esme_addr_ton,
            esme_addr_npi,
            esme_addr,
            tlvs,
        ),
    )


def encode_alert_notification(pdu: AlertNotification) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    (
        sequence_number,
        command_status,
        source_addr_ton,
        source_addr_npi,
        source_addr,
        esme_addr_ton,
        esme_addr_npi,
        esme_addr,
        tlvs,
    ) = pdu
    joined = f"{source_addr}\0{esme_addr}"
    raw_source_addr, raw_esme_addr = joined.encode("latin-1").split(b"\0")
    if len(raw_source_addr) >= 65 or len(raw_esme_addr) >= 65:
        raise ValueError("a C-octet string is too long")
    body = b"%c%c%b\0%c%c%b\0" % (
        source_addr_ton,
        source_addr_npi,
        raw_source_addr,
        esme_addr_ton,
        esme_addr_npi,
        raw_esme_addr,
    )
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x00000102, command_status, sequence_number) + body


class BroadcastSmResp(NamedTuple):
    """broadcast_sm_resp (v5.0)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000111


def decode_broadcast_sm_resp(frame: bytes, sequence_number: int, command_status: int) -> BroadcastSmResp:
    """Raises one of BODY_ERRORS if the body is not that of broadcast_sm_resp."""
    if len(frame) == 16:
        return BroadcastSmResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = frame[16:end].decode("latin-1")
    else:
        end, message_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(BroadcastSmResp, (sequence_number, command_status, message_id, tlvs))


def encode_broadcast_sm_resp(pdu: BroadcastSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000111, command_status, sequence_number)
    raw_message_id = message_id.encode("latin-1")
    if len(raw_message_id) >= 256 or 0 in raw_message_id:
        raise ValueError("message_id is no C-octet string")
    body = raw_message_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000111, command_status, sequence_number) + body


class QueryBroadcastSmResp(NamedTuple):
    """query_broadcast_sm_resp (v5.0)."""

    sequence_number: int = 0
    command_status: int = 0
    message_id: str = ""
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000112


def decode_query_broadcast_sm_resp(
    frame: bytes, sequence_number: int, command_status: int
) -> QueryBroadcastSmResp:
    """Raises one of BODY_ERRORS if the body is not that of query_broadcast_sm_resp."""
    if len(frame) == 16:
        return QueryBroadcastSmResp(sequence_number, command_status)
    if frame[16]:
        end = frame.index(0, 16, 272)
        message_id = frame[16:end].decode("latin-1")
    else:
        end, message_id = 16, ""
    tlvs = decode_tlvs(frame, end + 1) if len(frame) > end + 1 else ()
    return _new(QueryBroadcastSmResp, (sequence_number, command_status, message_id, tlvs))


def encode_query_broadcast_sm_resp(pdu: QueryBroadcastSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, message_id, tlvs = pdu
    if command_status and not any(pdu[2:]):
        return _header(16, 0x80000112, command_status, sequence_number)
    raw_message_id = message_id.encode("latin-1")
    if len(raw_message_id) >= 256 or 0 in raw_message_id:
        raise ValueError("message_id is no C-octet string")
    body = raw_message_id + b"\0"
    if tlvs:
        body += encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000112, command_status, sequence_number) + body


class CancelBroadcastSmResp(NamedTuple):
    """cancel_broadcast_sm_resp (v5.0)."""

    sequence_number: int = 0
    command_status: int = 0
    tlvs: tuple[Tlv, ...] = ()

    @property
    def command_id(self) -> int:
        return 0x80000113


def decode_cancel_broadcast_sm_resp(
    frame: bytes, sequence_number: int, command_status: int
) -> CancelBroadcastSmResp:
    """Raises one of BODY_ERRORS if the body is not that of cancel_broadcast_sm_resp."""
    if len(frame) == 16:
        return CancelBroadcastSmResp(sequence_number, command_status)
    tlvs = decode_tlvs(frame, 16) if len(frame) > 16 else ()
    return _new(CancelBroadcastSmResp, (sequence_number, command_status, tlvs))


def encode_cancel_broadcast_sm_resp(pdu: CancelBroadcastSmResp) -> bytes:
    """Raises one of BODY_ERRORS if a value does not fit."""
    sequence_number, command_status, tlvs = pdu
    body = encode_tlvs(tlvs)
    return _header(16 + len(body), 0x80000113, command_status, sequence_number) + body


Pdu = (
    BindTransmitter
    | BindTransmitterResp
    | BindReceiver
    | BindReceiverResp
    | BindTransceiver
    | BindTransceiverResp
    | Outbind
    | Unbind
    | UnbindResp
    | GenericNack
    | SubmitSm
    | SubmitSmResp
    | SubmitMulti
    | SubmitMultiResp
    | DeliverSm
    | DeliverSmResp
    | DataSm
    | DataSmResp
    | QuerySm
    | QuerySmResp
    | CancelSm
    | CancelSmResp
    | ReplaceSm
    | ReplaceSmResp
    | EnquireLink
    | EnquireLinkResp
    | AlertNotification
    | BroadcastSmResp
    | QueryBroadcastSmResp
    | CancelBroadcastSmResp
)


CLASSES: dict[int, type[Pdu]] = {
    0x00000002: BindTransmitter,
    0x80000002: BindTransmitterResp,
    0x00000001: BindReceiver,
    0x80000001: BindReceiverResp,
    0x00000009: BindTransceiver,
    0x80000009: BindTransceiverResp,
    0x0000000B: Outbind,
    0x00000006: Unbind,
    0x80000006: UnbindResp,
    0x80000000: GenericNack,
    0x00000004: SubmitSm,
    0x80000004: SubmitSmResp,
    0x00000021: SubmitMulti,
    0x80000021: SubmitMultiResp,
    0x00000005: DeliverSm,
    0x80000005: DeliverSmResp,
    0x00000103: DataSm,
    0x80000103: DataSmResp,
    0x00000003: QuerySm,
    0x80000003: QuerySmResp,
    0x00000008: CancelSm,
    0x80000008: CancelSmResp,
    0x00000007: ReplaceSm,
    0x80000007: ReplaceSmResp,
    0x00000015: EnquireLink,
    0x80000015: EnquireLinkResp,
    0x00000102: AlertNotification,
    0x80000111: BroadcastSmResp,
    0x80000112: QueryBroadcastSmResp,
    0x80000113: CancelBroadcastSmResp,
}
DECODERS: dict[int, Callable[[bytes, int, int], Pdu]] = {
    0x00000002: decode_bind_transmitter,
    0x80000002: decode_bind_transmitter_resp,
    0x00000001: decode_bind_receiver,
    0x80000001: decode_bind_receiver_resp,
    0x00000009: decode_bind_transceiver,
    0x80000009: decode_bind_transceiver_resp,
    0x0000000B: decode_outbind,
    0x00000006: decode_unbind,
    0x80000006: decode_unbind_resp,
    0x80000000: decode_generic_nack,
    0x00000004: decode_submit_sm,
    0x80000004: decode_submit_sm_resp,
    0x00000021: decode_submit_multi,
    0x80000021: decode_submit_multi_resp,
    0x00000005: decode_deliver_sm,
    0x80000005: decode_deliver_sm_resp,
    0x00000103: decode_data_sm,
    0x80000103: decode_data_sm_resp,
    0x00000003: decode_query_sm,
    0x80000003: decode_query_sm_resp,
    0x00000008: decode_cancel_sm,
    0x80000008: decode_cancel_sm_resp,
    0x00000007: decode_replace_sm,
    0x80000007: decode_replace_sm_resp,
    0x00000015: decode_enquire_link,
    0x80000015: decode_enquire_link_resp,
    0x00000102: decode_alert_notification,
    0x80000111: decode_broadcast_sm_resp,
    0x80000112: decode_query_broadcast_sm_resp,
    0x80000113: decode_cancel_broadcast_sm_resp,
}
ENCODERS: dict[type[Any], Callable[[Any], bytes]] = {
    BindTransmitter: encode_bind_transmitter,
    BindTransmitterResp: encode_bind_transmitter_resp,
    BindReceiver: encode_bind_receiver,
    BindReceiverResp: encode_bind_receiver_resp,
    BindTransceiver: encode_bind_transceiver,
    BindTransceiverResp: encode_bind_transceiver_resp,
    Outbind: encode_outbind,
    Unbind: encode_unbind,
    UnbindResp: encode_unbind_resp,
    GenericNack: encode_generic_nack,
    SubmitSm: encode_submit_sm,
    SubmitSmResp: encode_submit_sm_resp,
    SubmitMulti: encode_submit_multi,
    SubmitMultiResp: encode_submit_multi_resp,
    DeliverSm: encode_deliver_sm,
    DeliverSmResp: encode_deliver_sm_resp,
    DataSm: encode_data_sm,
    DataSmResp: encode_data_sm_resp,
    QuerySm: encode_query_sm,
    QuerySmResp: encode_query_sm_resp,
    CancelSm: encode_cancel_sm,
    CancelSmResp: encode_cancel_sm_resp,
    ReplaceSm: encode_replace_sm,
    ReplaceSmResp: encode_replace_sm_resp,
    EnquireLink: encode_enquire_link,
    EnquireLinkResp: encode_enquire_link_resp,
    AlertNotification: encode_alert_notification,
    BroadcastSmResp: encode_broadcast_sm_resp,
    QueryBroadcastSmResp: encode_query_broadcast_sm_resp,
    CancelBroadcastSmResp: encode_cancel_broadcast_sm_resp,
}
