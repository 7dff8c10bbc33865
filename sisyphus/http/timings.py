"""Where the time of a request went, as httpcore's trace events tell it: measured, never estimated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import trio

from sisyphus.http.network import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Entry = tuple[str, float, Mapping[str, Any]]

PHASES: Final = ("dns", "connect", "tls", "send", "wait", "receive")

# Events without the first part of their name, which is the protocol. A phase that has begun and never ends counts nothing.
_BEGINS: Final = {
    "start_tls.started": "tls",
    "send_request_headers.started": "send",
    "receive_response_headers.started": "wait",
    "receive_response_body.started": "receive",
}
_ENDS: Final = {
    "start_tls.complete": "tls",
    "receive_response_headers.started": "send",
    "receive_response_headers.complete": "wait",
    "receive_response_body.complete": "receive",
}


class Stopwatch:
    """Follows one request, and the requests that redirects make of it, as httpcore's `trace` extension.

    While the request is under way it only takes notes; what they mean is read afterwards.
    """

    __slots__ = ("_began", "_notes", "_now")

    def __init__(self) -> None:
        self._now: Final = trio.lowlevel.current_clock().current_time  # asked ten times for each request
        self._began: Final = self._now()
        self._notes: Final[list[Entry]] = []

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        self._notes.append((event, self._now(), info))

    def elapsed(self) -> float:
        """Seconds since it was made."""
        return self._now() - self._began

    def phases(self) -> dict[str, float | None]:
        """Seconds per phase; None for a phase that did not take place."""
        return phases(self._notes)


def phases(notes: Iterable[Entry]) -> dict[str, float | None]:
    """Adds up what each phase took, over all exchanges in `notes`: (event, time, information) as httpcore gives them."""
    spent: dict[str, float | None] = dict.fromkeys(PHASES)
    since: dict[str, float] = {}
    for event, at, info in notes:
        name = event.partition(".")[2]
        if (ended := _ENDS.get(name)) and ended in since:
            _add(spent, ended, at - since.pop(ended))
        if begun := _BEGINS.get(name):
            since[begun] = at
        elif name == "connect_tcp.complete" and isinstance(stream := info["return_value"], Stream):
            _add(spent, "dns", stream.dns)
            _add(spent, "connect", stream.connect)
    return spent


def _add(spent: dict[str, float | None], phase: str, seconds: float | None) -> None:
    if seconds is not None:
        spent[phase] = (spent[phase] or 0.0) + seconds
