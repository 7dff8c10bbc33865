"""A text's YAML events, from libyaml or, where it is missing, from PyYAML's own parser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from yaml.events import ScalarEvent
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner, ScannerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from yaml.events import Event


class Events(Protocol):
    """Gives the events of one text in order; None follows the last.

    Raises:
        yaml.YAMLError: the text is no YAML from there on.
    """

    def get_event(self) -> Event | None: ...


def events_of(text: str) -> Events:
    """Returns the events of `text`, which has neither a byte order mark nor lone surrogates."""
    return _parser()(text)


def _parser() -> Callable[[str], Events]:
    try:
        from yaml._yaml import CParser
    except ImportError:
        return _PythonParser
    return CParser


class _PythonParser(Reader, Scanner, Parser):
    """Some twenty times slower than libyaml, and refuses a few documents more: ``{url: /users?page=1}`` without quotes."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def get_event(self) -> Event | None:
        event: Event | None = super().get_event()  # type: ignore[no-untyped-call]
        # libyaml refuses "\ud83d" where it is scanned; this parser lets it through.
        if isinstance(event, ScalarEvent) and any("\ud800" <= char <= "\udfff" for char in event.value):
            where: Any = event.start_mark
            raise ScannerError("while scanning a quoted scalar", where, "found invalid Unicode escape code", where)
        return event
