from __future__ import annotations

import pytest
import wsproto
from wsproto.events import TextMessage

from sisyphus.journal import Interest, Journal, Overtaken
from sisyphus.live.batches import BATCH_BYTES, BATCHES_KEPT, Batches
from sisyphus.live.frames import text_frames


def journal_of(*payloads: bytes) -> Journal:
    journal = Journal()
    for seq, payload in enumerate(payloads, start=1):
        journal.append(seq, payload)
    return journal


def test_a_batch_holds_a_frame_for_each_event() -> None:
    batch = Batches(journal_of(b"one", "二".encode(), b"three"), text_frames).after(1)
    assert batch is not None
    assert batch.cursor == 3
    client = wsproto.Connection(wsproto.ConnectionType.CLIENT)
    client.receive_data(batch.data)
    assert [event.data for event in client.events() if isinstance(event, TextMessage)] == ["二", "three"]


def test_who_has_everything_gets_no_batch() -> None:
    assert Batches(journal_of(b"one"), text_frames).after(1) is None


def test_watchers_at_the_same_place_share_one_batch() -> None:
    batches = Batches(journal_of(b"one", b"two"), text_frames)
    assert batches.after(0) is batches.after(0)


def test_a_batch_is_made_anew_when_there_is_more() -> None:
    journal = journal_of(b"one")
    batches = Batches(journal, text_frames)
    first = batches.after(0)
    journal.append(2, b"two")
    second = batches.after(0)
    assert first is not None
    assert second is not None
    assert (first.cursor, second.cursor) == (1, 2)


def test_what_is_pending_comes_in_batches_of_bounded_size() -> None:
    batches = Batches(journal_of(*[b"x" * 1000] * 200), text_frames)
    cursor, sizes = 0, []
    while batch := batches.after(cursor):
        cursor = batch.cursor
        sizes.append(len(batch.data))
    assert cursor == 200
    assert len(sizes) > 1
    assert max(sizes) < BATCH_BYTES * 1.01


def test_watchers_at_many_places_do_not_make_it_hold_many_batches() -> None:
    batches = Batches(journal_of(*[b"x"] * 100), text_frames)
    for cursor in range(100):
        batches.after(cursor)
        assert len(batches._joined) <= BATCHES_KEPT


def test_who_is_too_slow_is_told() -> None:
    journal = Journal(max_events=1)
    journal.append(1, b"one")
    journal.append(2, b"two")
    with pytest.raises(Overtaken):
        Batches(journal, text_frames).after(0)


def test_what_nobody_here_wants_is_passed_over_without_a_byte() -> None:
    journal = Journal()
    for seq, kind in ((1, "log"), (2, "error"), (3, "log")):
        journal.append(seq, b"%d" % seq, kind=kind)
    batches = Batches(journal, text_frames, Interest(types=frozenset({"error"})))
    first, nothing = batches.after(0), batches.after(2)
    assert first is not None
    assert nothing is not None
    assert (first.data, first.cursor) == (b"\x81\x012", 3)
    assert (nothing.data, nothing.cursor) == (b"", 3)
