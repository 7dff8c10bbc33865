"""Single steps, asked for over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, wait_all_tasks_blocked

from sisyphus.live.allowance import SAVED


async def ask(house: Any, target: str) -> tuple[int, bytes]:
    answer = await house.ask(f"GET {target} HTTP/1.1\r\nHost: localhost:8765\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def test_steps_are_described_and_null_where_nothing_is_kept(autojump_clock: MockClock, house: Any) -> None:
    house.show.details.keep(5, json.dumps({"name": "five"}), spare=True)
    house.show.details.keep(9, json.dumps({"name": "nine"}), spare=False)
    status, body = await ask(house, "/details?seq=9&seq=7&seq=5&seq=9&token=whatever")
    assert status == 200
    assert json.loads(body) == {"9": {"name": "nine"}, "7": None, "5": {"name": "five"}}
    most = "&".join(f"seq={seq}" for seq in range(1, 101))
    assert len(json.loads((await ask(house, f"/details?{most}"))[1])) == 100


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Say which steps, 1 to 100: /details?seq=5&seq=9."),
        ("?token=x", "Say which steps, 1 to 100: /details?seq=5&seq=9."),
        ("?" + "&".join(f"seq={seq}" for seq in range(1, 102)), "Say which steps, 1 to 100: /details?seq=5&seq=9."),
        ("?sec=5", "There is no parameter 'sec' (known: seq, token)."),
        *(
            (f"?seq={value}", f"seq takes the seq of an event, a whole number, not '{value}'.")
            for value in ("", "0", "05", "-1", "1.5", "x", "5,6", "9" * 17)
        ),
    ],
)
async def test_what_cannot_be_asked_for_is_said(autojump_clock: MockClock, house: Any, query: str, said: str) -> None:
    status, body = await ask(house, f"/details{query}")
    assert (status, body.decode().strip()) == (400, said)


async def test_they_are_unpacked_one_by_one_as_they_are_read(autojump_clock: MockClock, house: Any) -> None:
    for seq in range(1, 4):
        house.show.details.keep(seq, json.dumps({"name": "x" * 1000}), spare=True)
    unpacked = []
    get = house.show.details.get
    house.show.details.get = lambda seq: (unpacked.append(seq), get(seq))[1]
    stream = house.visit(lockstep_stream_pair)
    await stream.send_all(b"GET /details?seq=1&seq=2&seq=3 HTTP/1.1\r\nHost: localhost:8765\r\n\r\n")
    body, seen = b"", []
    while part := await stream.receive_some():
        body += part
        await wait_all_tasks_blocked()
        seen.append(len(unpacked))
    assert [*json.loads(body.partition(b"\r\n\r\n")[2])] == ["1", "2", "3"]
    assert seen[0] == 1
    assert sorted(set(seen)) == [1, 2, 3]


async def test_while_a_run_is_on_they_are_on_account(autojump_clock: MockClock, house: Any) -> None:
    for seq in (1, 2):
        house.show.details.keep(seq, "{}", spare=True)
    get = house.show.details.get
    asked = []

    def dearly(seq: int) -> str | None:
        asked.append(trio.current_time())
        house.show.allowance.charge(SAVED)
        return get(seq)

    house.show.details.get = dearly
    status, body = await ask(house, "/details?seq=1&seq=2")
    assert (status, json.loads(body)) == (200, {"1": {}, "2": {}})
    assert asked[1] - asked[0] > 0
