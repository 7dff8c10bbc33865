from __future__ import annotations

from typing import Any

import trio
from trio.testing import MockClock, memory_stream_pair

from sisyphus.http.network import Stream
from sisyphus.http.timings import Stopwatch, phases


class NoSocket:
    def close(self) -> None: ...


def a_stream(*, dns: float | None, connect: float) -> Stream:
    return Stream(memory_stream_pair()[0], NoSocket(), dns=dns, connect=connect)  # type: ignore[arg-type]


def notes(*events: tuple[str, float]) -> list[tuple[str, float, dict[str, Any]]]:
    return [(event, at, {}) for event, at in events]


AN_EXCHANGE = notes(
    ("http11.send_request_headers.started", 10),
    ("http11.send_request_headers.complete", 11),
    ("http11.send_request_body.started", 11),
    ("http11.send_request_body.complete", 13),
    ("http11.receive_response_headers.started", 13),
    ("http11.receive_response_headers.complete", 20),
    ("http11.receive_response_body.started", 21),
    ("http11.receive_response_body.complete", 25),
    ("http11.response_closed.started", 25),
    ("http11.response_closed.complete", 26),
)


def test_on_a_reused_connection_only_the_exchange_took_time() -> None:
    assert phases(AN_EXCHANGE) == {"dns": None, "connect": None, "tls": None, "send": 3, "wait": 7, "receive": 4}


def test_a_new_connection_brings_its_own_measures_of_name_and_connection() -> None:
    connecting = [
        ("connection.connect_tcp.started", 0, {}),
        ("connection.connect_tcp.complete", 6, {"return_value": a_stream(dns=2.5, connect=3.5)}),
        ("connection.start_tls.started", 6, {}),
        ("connection.start_tls.complete", 9, {}),
    ]
    spent = phases([*connecting, *AN_EXCHANGE])
    assert (spent["dns"], spent["connect"], spent["tls"]) == (2.5, 3.5, 3)


def test_an_address_instead_of_a_name_needs_no_resolving() -> None:
    connected = [("connection.connect_tcp.complete", 6.0, {"return_value": a_stream(dns=None, connect=1.0)})]
    assert phases(connected)["dns"] is None


def test_the_exchanges_of_redirects_add_up() -> None:
    assert phases([*AN_EXCHANGE, *AN_EXCHANGE])["wait"] == 14


def test_what_failed_took_no_time() -> None:
    spent = phases(notes(("http11.receive_response_headers.started", 1), ("http11.receive_response_headers.failed", 5)))
    assert spent["wait"] is None


def test_http2_is_measured_by_the_same_events() -> None:
    spent = phases([(event.replace("http11", "http2"), at, info) for event, at, info in AN_EXCHANGE])
    assert spent["wait"] == 7


async def test_the_watch_runs_from_its_making(autojump_clock: MockClock) -> None:
    watch = Stopwatch()
    await trio.sleep(1)
    await watch("http11.receive_response_headers.started", {})
    await trio.sleep(2)
    await watch("http11.receive_response_headers.complete", {})
    await trio.sleep(3)
    assert (watch.elapsed(), watch.phases()["wait"]) == (6, 2)
