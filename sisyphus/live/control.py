"""What the server says for itself: about the connection, not about the run."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from sisyphus.version import __version__
from sisyphus.wire import dumps

if TYPE_CHECKING:
    from sisyphus.live.run_state import RunState

PROTOCOL: Final = "sisyphus.v1"


@frozen(kw_only=True)
class Word:
    """One control message: an envelope like that of an event, without a `seq`, since it is no part of the run."""

    type: str
    data: dict[str, Any]

    def encode(self, run: RunState) -> bytes:
        """The message as one JSON object in UTF-8, without line breaks."""
        now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        return dumps({"type": self.type, "timestamp": now, "data": self.data, "run_id": run.run_id}).encode()


def hello(run: RunState, *, first_seq: int, last_seq: int) -> Word:
    """The first message; `first_seq` and `last_seq` are what is kept, the first greater than the last for nothing yet."""
    data = {
        "protocol": PROTOCOL,
        "engine_version": __version__,
        "run_id": run.run_id,
        "first_seq": first_seq,
        "last_seq": last_seq,
        "run_state": run.state,
    }
    return Word(type="hello", data=data)


def recovered(gap: tuple[int, int] | None) -> Word:
    """What became of a resumption; events with a `seq` in the gap, both ends included, are lost."""
    data = {"recovered": True} if gap is None else {"recovered": False, "gap": list(gap)}
    return Word(type="recovered", data=data)


def lag(behind: int) -> Word:
    """The reader is so many events behind."""
    return Word(type="lag", data={"behind": behind})


def close(code: int, reason: str) -> Word:
    """What a WebSocket's close frame says, for those who have none."""
    return Word(type="close", data={"code": code, "reason": reason})
