from __future__ import annotations

import pytest
import wsproto
from wsproto.events import TextMessage
from wsproto.frame_protocol import FrameProtocol

from sisyphus.journal import Journal, Overtaken
from sisyphus.live.frames import BATCH_BYTES, BATCHES_KEPT, Batches, text_header


def journal_of(*payloads: bytes) -> Journal:
    journal = Journal()
    for seq, payload in enumerate(payloads, start=1):
        journal.append(seq, payload)
    return journal


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 100_000])
def test_a_frame_is_what_wsproto_would_make_of_it(length: int) -> None:
    text = "x" * length
    assert text_header(length) + text.encode() == FrameProtocol(client=False, extensions=[]).send_data(text)


def test_a_batch_holds_a_frame_for_each_event() -> None:
    batch = Batches(journal_of(b"one", "二".encode(), b"three")).after(1)
    assert batch is not None
    assert batch.cursor == 3
    client = wsproto.Connection(wsproto.ConnectionType.CLIENT)
    client.receive_data(batch.data)
    assert [event.data for event in client.events() if isinstance(event, TextMessage)] == ["二", "three"]


def test_who_has_everything_gets_no_batch() -> None:
    assert Batches(journal_of(b"one")).after(1) is None


def test_watchers_at_the_same_place_share_one_batch() -> None:
    batches = Batches(journal_of(b"one", b"two"))
    assert batches.after(0) is batches.after(0)


def test_a_batch_is_made_anew_when_there_is_more() -> None:
    journal = journal_of(b"one")
    batches = Batches(journal)
    first = batches.after(0)
    journal.append(2, b"two")
    second = batches.after(0)
    assert first is not None
    assert second is not None
    assert (first.cursor, second.cursor) == (1, 2)


def test_what_is_pending_comes_in_batches_of_bounded_size() -> None:
    batches = Batches(journal_of(*[b"x" * 1000] * 200))
    cursor, sizes = 0, []
    while batch := batches.after(cursor):
        cursor = batch.cursor
        sizes.append(len(batch.data))
    assert cursor == 200
    assert len(sizes) > 1
    assert max(sizes) < BATCH_BYTES * 1.01


def test_watchers_at_many_places_do_not_make_it_hold_many_batches() -> None:
    batches = Batches(journal_of(*[b"x"] * 100))
    for cursor in range(100):
        batches.after(cursor)
        assert len(batches._joined) <= BATCHES_KEPT


def test_who_is_too_slow_is_told() -> None:
    journal = Journal(max_events=1)
    journal.append(1, b"one")
    journal.append(2, b"two")
    with pytest.raises(Overtaken):
        Batches(journal).after(0)
