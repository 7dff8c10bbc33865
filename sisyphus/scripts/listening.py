"""What a running script says and prints, as far as it is kept."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Final, Protocol

from attrs import define, field

from sisyphus.scripts.messages import (
    Begun,
    GarbledError,
    LogSaid,
    VariableSaid,
    Verdict,
    message_of,
    verdict_of,
)

if TYPE_CHECKING:
    import trio

    from sisyphus.scripts.messages import Ended, Exited, Raised

OUTPUT: Final = 2**20  # bytes kept of what a script prints
CHANNEL: Final = 16 * 2**20  # bytes that it may say: its variables and log messages
LOGS: Final = 1000  # messages that become events
_SHOWN: Final = 80  # bytes of what was not the worker's


class Hear(Protocol):
    """Is told what a script says while it runs."""

    async def __call__(self, said: LogSaid | VariableSaid) -> None: ...


@define
class Kept:
    """The beginning of a stream; the rest is read too, and counted, so that nobody waits for a reader."""

    data: bytearray = field(factory=bytearray)
    size: int = 0

    async def fill(self, stream: trio.abc.ReceiveStream) -> None:
        async for chunk in stream:
            self.size += len(chunk)
            self.data += chunk[: max(OUTPUT - len(self.data), 0)]

    @property
    def cut(self) -> bool:
        return self.size > len(self.data)

    @property
    def text(self) -> str:
        """What is no UTF-8 in it is shown as its bytes are written; a character that the cut halved is left out."""
        decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        return decoder.decode(bytes(self.data), final=not self.cut)


@define(kw_only=True)
class Heard:
    """All that is known of a script's run.

    Attributes:
        token: what a line of the worker begins with.
        hear: is told what becomes known while the script runs.
        worker: the process that runs the script.
        end: how the script says it ended; None if it does not.
        verdict: how its process ended, as the supervisor says.
        garbled: the beginning of the first line that was not the worker's.
        unheard: how many log messages were over the limit.
        too_much: it said more than the channel takes.
        left_behind: why its folder could not be removed.
    """

    token: str
    hear: Hear
    output: Kept = field(factory=Kept)
    errors: Kept = field(factory=Kept)
    worker: int | None = None
    end: Ended | Raised | Exited | None = None
    verdict: Verdict = field(factory=Verdict)
    garbled: bytes | None = None
    unheard: int = 0
    too_much: bool = False
    left_behind: str | None = None
    _logs: int = 0
    _held: bytes | None = None

    async def listen(self, channel: trio.abc.ReceiveStream) -> None:
        """Reads the channel to its end, or until that is too much."""
        size, rest = 0, b""
        async for chunk in channel:
            size += len(chunk)
            if size > CHANNEL:
                self.too_much = True
                return
            if b"\n" not in chunk:
                rest += chunk
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            for line in filter(None, lines):
                await self._take(line)
        if self._held is not None:
            self.verdict = verdict_of(self._held)

    async def _take(self, line: bytes) -> None:
        if self._held is not None:
            self._note(self._held)  # there is more: it was not the supervisor's
        self._held = line if line.startswith(b"verdict ") else None
        if self._held is not None:
            return
        try:
            message = message_of(line, self.token)
        except GarbledError:
            self._note(line)
            return
        if isinstance(message, Begun):
            self.worker = message.pid
        elif isinstance(message, LogSaid) and self._logs >= LOGS:
            self.unheard += 1
        elif isinstance(message, LogSaid | VariableSaid):
            self._logs += isinstance(message, LogSaid)
            await self.hear(message)
        else:
            self.end = message

    def _note(self, line: bytes) -> None:
        self.garbled = self.garbled if self.garbled is not None else line[:_SHOWN]
