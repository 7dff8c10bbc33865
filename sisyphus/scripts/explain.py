"""How a script's end is told to the user, decided from what was heard of it."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from attrs import field, frozen

from sisyphus.errors import ScriptError
from sisyphus.scripts.listening import CHANNEL, LOGS, OUTPUT
from sisyphus.scripts.messages import Ended, Exited, Raised
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.scripts.listening import Heard
    from sisyphus.scripts.messages import Verdict
    from sisyphus.scripts.program import Text

_MIB = 2**20


@frozen(kw_only=True)
class Ending:
    """What a script's run came to.

    Attributes:
        failure: the assertion that did not hold.
        error: why the script did not come to its end otherwise.
        warnings: what the user should know besides.
    """

    failure: str | None = None
    error: ScriptError | None = None
    warnings: tuple[str, ...] = field(default=())


def explained(heard: Heard, text: Text) -> Ending:
    """The end of the script `text`."""
    warnings = tuple(_warnings(heard))
    end = heard.end
    if heard.too_much:
        message = tr("it said more than {size} MiB (variables and log messages)", size=CHANNEL // _MIB)
        return Ending(error=ScriptError(message), warnings=warnings)
    if heard.verdict.word == "stopped":
        return Ending(error=ScriptError(_why_stopped(heard.verdict)), warnings=warnings)
    if isinstance(end, Ended):
        return Ending(warnings=warnings)
    if isinstance(end, Raised) and "AssertionError" in end.names:
        return Ending(failure=_where(end.lines, text) + (end.message or text.of(_line(end.lines))), warnings=warnings)
    if isinstance(end, Raised):
        return Ending(error=_raised(end, text), warnings=warnings)
    if isinstance(end, Exited):
        message = _where(end.lines, text) + tr("the script ended by sys.exit({status})", status=repr(end.status))
        return Ending(error=ScriptError(message), warnings=warnings)
    return Ending(error=ScriptError(_how_it_broke_off(heard.verdict)), warnings=warnings)


def _raised(end: Raised, text: Text) -> ScriptError:
    said = f"{end.type}: {end.message}" if end.message else end.type
    advice = None
    if "ImportError" in end.names:
        advice = tr(
            "Let the script import it (allow_imports: true, or the names of modules), and install it if it is missing."
        )
    elif "MemoryError" in end.names:
        advice = tr("Let the script work on less at a time; its memory is limited.")
    return ScriptError(_where(end.lines, text) + said, names=end.names, suggestion=advice)


def _line(lines: tuple[tuple[int, str], ...]) -> int:
    return lines[-1][0] if lines else 0


def _where(lines: tuple[tuple[int, str], ...], text: Text) -> str:
    return f"{text.at(_line(lines))}: " if lines else ""


def _why_stopped(verdict: Verdict) -> str:
    if verdict.detail == "disk":
        return tr("it was stopped, since its folder became too large")
    if verdict.detail == "processes":
        return tr("it was stopped, since it started too many processes")
    return tr("it was stopped")


def _how_it_broke_off(verdict: Verdict) -> str:
    match verdict.word:
        case "exit":
            return tr("its process ended with exit code {code} before the script did", code=verdict.detail)
        case "signal":
            number = int(verdict.detail)
            if number == getattr(signal, "SIGXCPU", None):
                return tr("it used more CPU time than its timeout allows")
            return tr("its process was ended by {signal}", signal=_signal_name(number))
        case "unable":
            return tr("no process can be started for it: {reason}", reason=verdict.detail)
        case _:
            return tr("its process was ended from outside")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time one
        return tr("signal {number}", number=number)


def _warnings(heard: Heard) -> list[str]:
    found = []
    for name, kept in (("output", heard.output), ("stderr", heard.errors)):
        if kept.cut:
            found.append(
                tr("{name}: only the first {kept} of {size} bytes were kept", name=name, kept=OUTPUT, size=kept.size)
            )
    if heard.unheard:
        found.append(
            tr("{count} log messages over the limit of {limit} were left out", count=heard.unheard, limit=LOGS)
        )
    if heard.garbled is not None:
        shown = heard.garbled.decode("utf-8", "backslashreplace")
        found.append(tr("the script wrote to the engine's own channel, which was ignored: {shown!r}", shown=shown))
    if heard.verdict.leaving:
        found.append(tr("a process that the script started could not be ended"))
    if heard.left_behind is not None:
        found.append(tr("the script's folder could not be removed: {reason}", reason=heard.left_behind))
    return found
