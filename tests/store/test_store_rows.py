"""The values that cross the seam."""

import marshal

from store_samples import changes, delivered, inserts, lost, message, sent, waiting

from gateway.store.rows import Changes, Progress, State


def test_final_states_are_ten_above_the_message_states_of_smpp():
    assert [state for state in State if state.final] == [12, 13, 14, 15, 16, 17, 18]
    assert State(10 + 2) is State.DELIVERED
    assert not State.SENT.final


def test_progress_is_the_end_of_the_row():
    row = message(1).with_progress(sent(1))
    assert row.progress == sent(1)
    assert isinstance(row.progress, Progress)
    assert row[:11] == message(1)[:11]


def test_a_frame_survives_marshal():
    batch = inserts(1)
    batch.progress(1, sent(1))
    batch.progress(1, delivered(1)._replace(error=State.SENT))  # any IntEnum, as command_status is
    batch.revise(message(1, pdu=b"\x00\xff"))
    batch.enqueue(waiting(1))
    batch.dequeue(1)
    batch.stray(lost(1))
    batch.unstray(1)
    batch.add("another", ("a", 1, b"b", None))
    frame = batch.frame()
    assert len(frame) == len(batch) == 9
    assert marshal.loads(marshal.dumps(frame)) == frame


def test_a_frame_is_a_copy():
    batch = inserts(1)
    frame = batch.frame()
    batch.dequeue(1)
    assert len(frame) == 1


def test_merge_keeps_the_order():
    first, second = changes(lambda batch: batch.dequeue(1)), changes(lambda batch: batch.dequeue(2))
    assert Changes().empty
    first.merge(second)
    assert first.frame() == [("dequeue", (1,)), ("dequeue", (2,))]
    assert not first.empty
    assert len(second) == 1
