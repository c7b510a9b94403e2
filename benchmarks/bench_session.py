"""What a session costs over framing and the codec: `python benchmarks/bench_session.py [word ...]`.

Lines that begin with = are the parts without a session, for comparison with the line that follows them.
"""

from collections.abc import Callable

from timing import report

from gateway.smpp.codec import decode, encode
from gateway.smpp.constants import V34
from gateway.smpp.events import SessionOptions
from gateway.smpp.framing import Framer
from gateway.smpp.pdus import BindTransceiver, BindTransceiverResp, DeliverSm, Pdu, SubmitSm, SubmitSmResp
from gateway.smpp.session import Role, Session
from gateway.smpp.validate import check_request

BATCH = 100
MESSAGES = [
    SubmitSm(
        number,
        source_addr="10690001",
        dest_addr_ton=1,
        dest_addr_npi=1,
        destination_addr="8619912340001",
        registered_delivery=1,
        short_message=b"482913 is your code; it is good for five minutes. Tell nobody",
    )
    for number in range(1, BATCH + 1)
]
RECEIPTS = [
    DeliverSm(
        number,
        source_addr="8619912340001",
        destination_addr="10690001",
        esm_class=4,
        short_message=b"id:0123456789 sub:001 dlvrd:001 submit date:2401021504 done date:2401021505 "
        b"stat:DELIVRD err:000 text:482913 is your code;",
    )
    for number in range(1, BATCH + 1)
]
RESPONSES = [SubmitSmResp(number, message_id="0123456789") for number in range(1, BATCH + 1)]


def octets(pdus: list[SubmitSm] | list[DeliverSm] | list[SubmitSmResp]) -> bytes:
    """The PDUs as one read brings them."""
    return b"".join(encode(pdu) for pdu in pdus)


def bound(role: Role) -> Session:
    """A bound session, timers as shipped."""
    session = Session(role, SessionOptions(), 0.0)
    if role is Role.SMSC:
        session.receive(encode(BindTransceiver(1, system_id="bank")), 0.0)
        session.respond(BindTransceiverResp(1))
    else:
        session.send(BindTransceiver(system_id="bank"), 0.0)
        session.receive(encode(BindTransceiverResp(1)), 0.0)
    session.output()
    return session


def calls() -> dict[str, Callable[[], object]]:
    """The measured calls, by name."""
    submits, receipts = octets(MESSAGES), octets(RECEIPTS)
    one = encode(MESSAGES[0])
    framer, smsc, esme = Framer(70_000), bound(Role.SMSC), bound(Role.ESME)

    def read(data: bytes) -> list[Pdu]:
        return [decode(frame) for frame in framer.feed(data)]

    def answer() -> bytes:
        smsc.incoming = BATCH
        for response in RESPONSES:
            smsc.respond(response)
        return smsc.output()

    def send_and_be_answered() -> None:
        numbers = [esme.send(message, 1.0) for message in MESSAGES]
        esme.output()
        answers = [SubmitSmResp(number, message_id="0123456789") for number in numbers]
        esme.receive(octets(answers), 1.0)

    def write_and_read() -> None:
        b"".join([encode(message) for message in MESSAGES])
        answers = [SubmitSmResp(message.sequence_number, message_id="0123456789") for message in MESSAGES]
        read(octets(answers))

    return {
        "= framing, decode, check_request of 100 submit_sm": lambda: [
            check_request(pdu, V34) for pdu in read(submits)
        ],
        "SMSC: receive 100 submit_sm": lambda: smsc.receive(submits, 1.0),
        "= framing, decode of 100 deliver_sm": lambda: read(receipts),
        "ESME: receive 100 deliver_sm": lambda: esme.receive(receipts, 1.0),
        "= framing, decode, check_request of one submit_sm": lambda: check_request(read(one)[0], V34),
        "SMSC: receive one submit_sm": lambda: smsc.receive(one, 1.0),
        "= encode 100 submit_sm_resp": lambda: b"".join([encode(response) for response in RESPONSES]),
        "SMSC: respond 100 times, output": answer,
        "= encode 100 submit_sm, framing and decode of their answers": write_and_read,
        "ESME: send 100 submit_sm, receive their answers": send_and_be_answered,
        "deadline": lambda: smsc.deadline,
        "tick, nothing due": lambda: smsc.tick(1.0),
    }


if __name__ == "__main__":
    report("session", calls())
