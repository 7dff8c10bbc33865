"""The headers of a response: names in any case, repeated ones joined."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, Mapping
from typing import Final


class Headers(Mapping[str, str]):
    """Headers by name, whatever its case; iterating gives the names as the server wrote them, each once.

    Headers that came more than once are joined by a comma and a space, as RFC 9110 section 5.3 allows. `Set-Cookie`
    cannot be joined so, since its dates hold commas: it is joined by line breaks.
    """

    __slots__ = ("_found",)

    def __init__(self, raw: Iterable[tuple[bytes, bytes]] = ()) -> None:
        found: dict[str, tuple[str, list[str]]] = {}
        for raw_name, raw_value in raw:
            name = _text(raw_name)
            found.setdefault(name.lower(), (name, []))[1].append(_text(raw_value))
        self._found: Final = found

    def get_list(self, name: str) -> list[str]:
        """Every value that came under `name`, in order."""
        found = self._found.get(name.lower())
        return list(found[1]) if found else []

    def __getitem__(self, name: str) -> str:
        low = name.lower()
        values = self._found[low][1]
        return values[0] if len(values) == 1 else ("\n" if low == "set-cookie" else ", ").join(values)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._found.values())

    def items(self) -> ItemsView[str, str]:
        """The headers as pairs, as they are now."""
        return {name: self[name] for name, _ in self._found.values()}.items()

    def __len__(self) -> int:
        return len(self._found)

    def __repr__(self) -> str:
        return f"Headers({dict(self)!r})"


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # what HTTP/1.1 said before it gave up saying (RFC 9110 section 5.5)
