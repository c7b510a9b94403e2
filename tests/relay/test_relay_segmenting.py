"""A client's one message, in several segments at its carrier: one honest end, also after kill -9."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from relay_house import House, MakeHouse, carrier, generation, submit

from gateway.relay.parts import Parts, Taken, read_parts
from gateway.smpp.concat import Part, part_of, user_data_of
from gateway.smpp.constants import Tag
from gateway.smpp.fields import Tlv
from gateway.smpp.pdus import DataSm
from gateway.store.rows import State

LONG = b"".join(b"%03d " % n for n in range(100))  # 400 characters: three segments


def long_submit(**fields: object) -> object:
    return submit(short_message=b"", tlvs=(Tlv(Tag.message_payload, LONG),), **fields)


@pytest.fixture
def cutting(make_house: MakeHouse) -> House:
    return make_house(generation(carriers={"alpha": carrier(rewrite={"long": "udh8"}, unanswered="resend")}))


def said(house: House) -> bytes:
    """The text of all segments that the carrier has got."""
    return b"".join(user_data_of(pdu)[6:] for _, pdu in house.submits)


def test_a_payload_is_cut_and_ends_when_all_its_segments_have(cutting: House) -> None:
    client = cutting.client()
    response = client.ask(long_submit())
    assert said(cutting) == LONG
    parts = [part_of(pdu) for _, pdu in cutting.submits]
    reference = parts[0].reference if parts[0] else None
    assert parts == [Part("udh8", reference, 3, number) for number in (1, 2, 3)]
    assert all(not pdu.tlvs for _, pdu in cutting.submits)
    row = cutting.row()
    assert (row.state, row.attempts) == (State.SENT, 1)
    for number in (2, 1):
        cutting.receipt(str(number))
        assert client.receipts == []
    cutting.receipt("2")  # told twice
    assert client.receipts == []
    cutting.receipt("3")
    (told,) = client.receipts
    assert (told.message_id, told.stat) == (response.message_id, "DELIVRD")
    cutting.receipt("3", stat="UNDELIV")
    assert len(client.receipts) == 1
    assert len(cutting.relay.inbound.matchers["alpha"]) == 0
    assert cutting.strays() == []


def test_one_segment_that_fails_fails_the_message(cutting: House) -> None:
    client = cutting.client()
    client.ask(long_submit())
    cutting.receipt("1")
    cutting.receipt("2", stat="UNDELIV", err="069")
    (told,) = client.receipts
    assert (told.stat, told.err) == ("UNDELIV", "069")
    cutting.receipt("3")
    assert len(client.receipts) == 1
    assert len(cutting.relay.inbound.matchers["alpha"]) == 0


def test_a_segment_that_fails_at_once_keeps_the_rest_back(cutting: House) -> None:
    cutting.answer = lambda name, pdu: None
    client = cutting.client()
    client.ask(long_submit())
    cutting.receipt("7", stat="UNDELIV")  # before its response
    upstream = cutting.upstream()
    upstream.respond(upstream.pending[0], 0, "7")
    cutting.settle()
    assert [told.stat for told in client.receipts] == ["UNDELIV"]
    assert len(cutting.submits) == 1


def test_a_refused_segment_ends_the_message_and_a_throttled_one_is_tried_again(
    cutting: House,
) -> None:
    answers = iter([(0, "a"), (0x58, ""), (0, "b"), (0x45, "")])
    cutting.answer = lambda name, pdu: next(answers)
    client = cutting.client()
    client.ask(long_submit())
    cutting.advance(2)
    numbers = [part.number for _, pdu in cutting.submits if (part := part_of(pdu))]
    assert numbers == [1, 2, 2, 3]
    assert [(told.stat, told.err) for told in client.receipts] == [("REJECTD", "069")]
    cutting.receipt("a")
    cutting.receipt("b")
    assert len(client.receipts) == 1


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("steps", range(0, 22, 2))
def test_killed_at_each_point(cutting: House, steps: int, committed: bool) -> None:
    """Every segment comes to the carrier, at most one of them twice, and the client is told one end."""
    client = cutting.client()
    response = client.ask(submit())  # so that the carrier has given an id before
    number = client.send(long_submit())
    for _ in range(steps):
        cutting.step()
    told = number in client.answers
    cutting.restart(committed=committed)
    client = cutting.client()
    cutting.settle()
    rows = [row for row in cutting.rows() if row.client_id != response.message_id]
    assert len(rows) == 1 or not told
    if not rows:
        return
    segments = [(part.number, user_data_of(pdu)) for _, pdu in cutting.submits if (part := part_of(pdu))]
    assert {segment for segment, _ in segments} == {1, 2, 3}
    assert len(segments) <= 4
    assert b"".join(dict(segments)[number][6:] for number in (1, 2, 3)) == LONG
    parts = read_parts(rows[0].carrier_message_id)
    assert parts is not None
    assert parts.complete
    for taken in parts.taken:
        assert client.receipts == []
        cutting.receipt(taken.id)
    assert [told.message_id for told in client.receipts] == [rows[0].client_id]
    assert client.receipts[0].stat == "DELIVRD"


def test_receipts_of_some_segments_survive_a_crash(cutting: House) -> None:
    client = cutting.client()
    client.ask(long_submit())
    cutting.receipt("1")
    cutting.restart()
    client = cutting.client()
    cutting.receipt("3")
    cutting.receipt("1")  # again, after it was told
    assert client.receipts == []
    cutting.receipt("2")
    assert [told.stat for told in client.receipts] == ["DELIVRD"]
    assert len(cutting.submits) == 3


def test_segments_wait_for_slots_and_the_rest_goes_on_where_the_first_went(make_house: MakeHouse) -> None:
    rewrite = {"long": "udh16"}
    carriers = {name: carrier(name, rewrite=rewrite, window=1) for name in ("alpha", "beta")}
    route = {"name": "default", "carriers": {"balance": ["alpha", "beta"]}}
    house = make_house(generation(carriers=carriers, routes=[route | {"carriers": ["alpha", "beta"]}]))
    client = house.client()
    for _ in range(6):
        client.send(long_submit())
    house.settle()
    by: dict[tuple[str, int], list[int]] = {}
    for name, pdu in house.submits:
        part = part_of(pdu)
        assert part is not None
        by.setdefault((name, part.reference), []).append(part.number)
    assert sorted(by.values()) == [[1, 2, 3]] * 6


def test_a_carrier_that_is_gone_leaves_the_text_to_another_whole(make_house: MakeHouse) -> None:
    carriers = {name: carrier(name, rewrite={"long": "udh8"}) for name in ("alpha", "beta")}
    house = make_house(generation(carriers=carriers))
    answers = iter([(0, "a1"), (0x58, "")])
    house.answer = lambda name, pdu: next(answers) if name == "alpha" else house.accept(name, pdu)
    client = house.client()
    client.ask(long_submit())
    house.reload(generation(carriers={"beta": carriers["beta"]}, number=2))
    house.advance(2)
    by_beta = [part_of(pdu) for name, pdu in house.submits if name == "beta"]
    assert [part.number for part in by_beta if part is not None] == [1, 2, 3]
    for number in "123":
        house.receipt(number, carrier="beta")
    assert [told.stat for told in client.receipts] == ["DELIVRD"]


def test_what_no_rule_is_for_is_passed_on_untouched(house: House) -> None:
    client = house.client()
    pdu = long_submit(service_type="ABC")
    client.ask(pdu)
    ((_, seen),) = house.submits
    assert seen.tlvs == pdu.tlvs  # type: ignore[attr-defined]
    assert house.row().carrier_message_id == "1"


def test_a_carrier_without_tlvs_gets_segments_and_no_data_sm(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(tlvs=False)}))
    client = house.client()
    client.ask(long_submit())
    assert said(house) == LONG
    house.submits.clear()
    payload = Tlv(Tag.message_payload, b"by data_sm")
    data = DataSm(source_addr="10690001", destination_addr="447700900123", tlvs=(payload,))
    client.ask(data._replace(registered_delivery=1))
    ((_, seen),) = house.submits
    assert (type(seen).__name__, seen.short_message) == ("SubmitSm", b"by data_sm")


def test_sar_becomes_a_header_where_there_are_no_tlvs(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(tlvs=False)}))
    client = house.client()
    for number in (2, 1):
        sar = (
            Tlv(Tag.sar_msg_ref_num, b"\x01\x07"),
            Tlv(Tag.sar_total_segments, b"\x02"),
            Tlv(Tag.sar_segment_seqnum, bytes((number,))),
        )
        client.send(submit(short_message=b"part %d" % number, tlvs=sar))
    house.settle()
    assert {(part_of(pdu), user_data_of(pdu)[6:]) for _, pdu in house.submits} == {
        (Part("udh8", 7, 2, 1), b"part 1"),
        (Part("udh8", 7, 2, 2), b"part 2"),
    }
    for number in "12":
        house.receipt(number)
    assert len(client.receipts) == 2  # each is a message of its client's


def test_a_message_that_is_half_with_its_carrier_is_not_replaced(cutting: House) -> None:
    from gateway.smpp.pdus import ReplaceSm

    answers = iter([(0, "a"), (0x58, "")])
    cutting.answer = lambda name, pdu: next(answers)
    client = cutting.client()
    response = client.ask(long_submit())
    assert cutting.row().state == State.WAITING
    told = client.ask(ReplaceSm(message_id=response.message_id, source_addr="10690001", short_message=b"x"))
    assert told.command_status == 0x13


def test_what_cannot_be_given_to_the_carrier_is_refused_and_its_slot_is_free(make_house: MakeHouse) -> None:
    rewrite = {"tlvs": {"required": ["0x1400"]}}
    house = make_house(generation(carriers={"alpha": carrier(rewrite=rewrite, window=1)}))
    client = house.client()
    client.submit()
    client.submit(tlvs=(Tlv(0x1400, b"1"),))
    assert [(told.stat, told.err) for told in client.receipts] == [("REJECTD", "195")]
    assert len(house.submits) == 1


def test_receipts_find_a_number_that_was_replaced(make_house: MakeHouse) -> None:
    rewrite = {"destination": {"replace": {"86": "17951"}}}
    house = make_house(generation(carriers={"alpha": carrier(rewrite=rewrite)}))
    client = house.client()
    client.submit(destination_addr="8619912340001")
    ((_, seen),) = house.submits
    assert seen.destination_addr == "1795119912340001"
    house.restart()
    client = house.client()
    house.receipt("1", source="1795119912340001")
    assert [told.stat for told in client.receipts] == ["DELIVRD"]
    assert client.delivered[0].source_addr == "8619912340001"


def test_a_status_of_the_carriers_own_means_what_its_settings_say(make_house: MakeHouse) -> None:
    house = make_house(generation(carriers={"alpha": carrier(statuses={"0x0409": "ESME_RTHROTTLED"})}))
    answers = iter([(0x0409, ""), (0, "a")])
    house.answer = lambda name, pdu: next(answers)
    client = house.client()
    client.submit()
    house.advance(2)
    assert len(house.submits) == 2
    assert house.row().state == State.SENT


states = st.sampled_from([0, *(int(state) for state in State if state.final)])
taken = st.builds(Taken, st.text(max_size=65), states)


@settings(max_examples=50)
@given(st.builds(Parts, st.integers(1, 255), st.lists(taken, max_size=5), st.lists(st.text(), max_size=3)))
def test_what_became_of_segments_is_written_and_read(parts: Parts) -> None:
    assert read_parts(parts.written()) == parts


def test_a_plain_id_is_no_list_of_segments() -> None:
    for stored in (None, "", "1", "{", '{"of":', '{"of": 3}', '{"of":3}'):
        assert read_parts(stored) is None
