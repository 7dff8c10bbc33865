"""Secret values, found in any text in every form that they take on their way."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from sisyphus.redaction.names import is_sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SHORTEST: Final = 4
"""Characters of the shortest value that is looked for: a shorter one occurs by chance everywhere."""

DEEPEST: Final = 100
"""Levels of lists and mappings that are looked into; what is deeper is not shown either."""

_MOST: Final = 2000  # values; the oldest are forgotten, so that a run of any length costs the same
_DROPPED: Final = 200  # at once: what is known of the others is sorted anew then

# Up to so many forms one pattern of all of them is the fastest; beyond, both its making and its trying take their number
# of times as long, and a run that logs in again and again would get slower and slower.
_FEW: Final = 60
_LONG: Final = 500  # characters of a form from which on a pattern of it takes longer to make than to do without
_SLICE: Final = 65_536  # characters of a text that are looked at together, which bounds the memory for it

# Words that variables of sensitive names hold without being secrets.
_COMMON: Final = frozenset({"true", "false", "null", "none", "test", "bearer", "basic", "token", "password", "secret"})
_FOLDERS: Final = frozenset({"PWD", "OLDPWD"})  # of the environment, which are no passwords


class Secrets:
    """The secret values of one case.

    Attributes:
        version: grows with each value that was not there before.
        numbers: those of the values that were no texts.
    """

    def __init__(self) -> None:
        self.version = 0
        self.numbers: set[int | float] = set()
        self._values: dict[str, None] = {}
        self._forms: dict[str, list[str]] = {}  # of all values, by their first characters
        self._starts: set[str] = set()  # these: a set can be compared with another one much faster than a dict
        self._count = 0
        self._long: list[str] = []  # forms that are in no pattern
        self._pattern: re.Pattern[str] | None = None
        self._stale = False

    def add(self, value: Any, depth: int = 0) -> None:
        """Remembers a value, or all that a list or mapping holds."""
        if depth > DEEPEST:
            return
        if isinstance(value, Mapping):
            for inner in value.values():
                self.add(inner, depth + 1)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.add(inner, depth + 1)
        elif value is not None and not isinstance(value, bool):
            text = str(value)
            if isinstance(value, int | float) and len(text) >= SHORTEST:
                self.numbers.add(value)
            self._add_text(text)

    def _add_text(self, text: str) -> None:
        if len(text) < SHORTEST or text.lower() in _COMMON or text in self._values or "${" in text:
            return
        if len(self._values) >= _MOST:
            self._forget_oldest()
        self._values[text] = None
        self._sort_in(text)
        self.version += 1

    def _sort_in(self, value: str) -> None:
        for form in set(forms_of(value)):
            if len(form) > _LONG:
                self._long.append(form)
                continue
            start = form[:SHORTEST]
            self._forms.setdefault(start, []).append(form)
            self._starts.add(start)
            self._count += 1
        self._stale = True

    def _forget_oldest(self) -> None:
        kept = list(self._values)[_DROPPED:]
        self._values = dict.fromkeys(kept)
        self.numbers = {number for number in self.numbers if str(number) in self._values}
        self._forms, self._starts, self._count, self._long = {}, set(), 0, []
        for value in kept:
            self._sort_in(value)

    def scrubbed(self, text: str, mask: Callable[[str], str]) -> str:
        """The text with each occurrence of each value, in any of its forms, replaced by `mask` of it."""
        for form in self._long:
            if len(text) >= len(form) and form in text:
                text = text.replace(form, mask(form))
        if self._count > _FEW:
            found = self._found_in(text)
            return _any_of(found).sub(lambda match: mask(match[0]), text) if found else text
        if self._stale:
            forms = [form for forms in self._forms.values() for form in forms]
            self._pattern = _any_of(forms) if forms else None
            self._stale = False
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: mask(match[0]), text)

    def _found_in(self, text: str) -> list[str]:
        """The forms that occur in a text, in a time that does not depend on how many there are."""
        starts: set[str] = set()
        for begin in range(0, len(text), _SLICE):
            part = text[begin : begin + _SLICE + SHORTEST - 1]
            starts |= {part[at : at + SHORTEST] for at in range(len(part) - SHORTEST + 1)} & self._starts
        return [form for start in starts for form in self._forms[start] if form in text]


def _any_of(forms: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))


def forms_of(value: str) -> Iterator[str]:
    """The value as it is, and as URLs, JSON, Python and base64 write it."""
    yield value
    for quoted in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield quoted
        yield quoted.lower()  # some write %2f, others %2F
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield json.dumps(value)[1:-1].replace("/", "\\/")
    yield repr(value)[1:-1]
    yield from _base64_forms(value.encode("utf-8", "surrogatepass"))


def _base64_forms(raw: bytes) -> Iterator[str]:
    """Base64 of the value wherever in a longer text it begins: three ways, without the edges that others share."""
    for shift in range(3):
        text = base64.b64encode(b"\0" * shift + raw).decode()
        begin = -(-shift * 8 // 6)  # characters that the bytes before it have a part in
        end = (shift + len(raw)) * 8 // 6
        inner = text[begin:end]
        if len(inner) >= SHORTEST:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def of_environment(environ: Mapping[str, str]) -> Secrets:
    """The values of those variables of the environment whose names say that they are secret."""
    secrets = Secrets()
    for name, value in environ.items():
        if is_sensitive(name) and name not in _FOLDERS:
            secrets.add(value)
    return secrets
