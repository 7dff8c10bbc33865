"""Secret values, found in any text in every form that they take on their way."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

from sisyphus.redaction.names import is_sensitive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SHORTEST: Final = 4
"""Characters of the shortest value that is looked for: a shorter one occurs by chance everywhere."""

_MOST: Final = 2000  # values; the oldest are forgotten, so that a run of any length costs the same

# Words that variables of sensitive names hold without being secrets.
_COMMON: Final = frozenset({"true", "false", "null", "none", "test", "bearer", "basic", "token", "password", "secret"})
_FOLDERS: Final = frozenset({"PWD", "OLDPWD"})  # of the environment, which are no passwords


class Secrets:
    """The secret values of one case.

    Attributes:
        version: grows with each value that was not there before.
    """

    def __init__(self) -> None:
        self.version = 0
        self._values: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        self._stale = False

    def add(self, value: Any) -> None:
        """Remembers a value, or all that a list or mapping holds."""
        if isinstance(value, dict):
            for inner in value.values():
                self.add(inner)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.add(inner)
        elif value is not None and not isinstance(value, bool):
            self._add_text(str(value))

    def _add_text(self, text: str) -> None:
        if len(text) < SHORTEST or text.lower() in _COMMON or text in self._values or "${" in text:
            return
        while len(self._values) >= _MOST:
            del self._values[next(iter(self._values))]
        self._values[text] = None
        self.version += 1
        self._stale = True

    def scrubbed(self, text: str, mask: Callable[[str], str]) -> str:
        """The text with each occurrence of each value, in any of its forms, replaced by `mask` of it."""
        if self._stale:
            forms = sorted({form for value in self._values for form in forms_of(value)}, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, forms)))
            self._stale = False
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: mask(found[0]), text)


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
