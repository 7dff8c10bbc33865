"""Secrets that stand in a text beside their names, or behind words that announce them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.redaction.names import SensitiveNames

MASK: Final = "***"

# Secrets that stand in a text with their name, whoever wrote it: `token=…`, `"token": "…"`, `<token>…`, `Bearer …`. A
# name with a colon counts in JSON and as a header only: "variable 'token': it is not defined" tells no secret.
_CREDENTIALS: Final = re.compile(r"\b(Bearer|Basic|Digest)\s+([A-Za-z0-9+/=._~-]{6,})", re.IGNORECASE)
_USERINFO: Final = re.compile(r"(://[^/\s:@]*:)([^/\s@]+)(@)")
_NAMED: Final = re.compile(
    r"""(?<![\w.-])(?:([A-Za-z_][\w.-]{1,60})(=)(?!=)|"([A-Za-z_][\w.-]{1,60})"(\s*:\s*))"""
    r"""("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s&;,"'<>{}\[\]]+)"""
)
_HEADER: Final = re.compile(
    r"\b((?:proxy-)?authorization|(?:set-)?cookie|x-api-key)(:[ \t]*)([^\r\n'\"]+)", re.IGNORECASE
)
# Looking for these words is a hundred times faster than for the patterns, and most texts have none of them.
_HEADER_WORDS: Final = ("authorization", "cookie", "x-api-key")
_CREDENTIAL_WORDS: Final = ("bearer", "basic", "digest")
# From how many characters on it is worth while to look first for the names in a text, then for what stands beside them.
_LONG: Final = 2000
_KEYS: Final = re.compile(r'"([A-Za-z_][\w.-]{1,60})"\s*:')
_BEFORE_EQUALS: Final = re.compile(r"[A-Za-z_][\w.-]{1,60}\Z")
_AFTER_BEARER: Final = frozenset(
    {"authentication", "authorization", "credential", "credentials", "format", "header", "headers", "method", "required",
     "scheme", "schemes", "security", "sha-256", "sha256", "sha-512", "sha512", "tokens"}
)  # fmt: skip
# The same in JSON that is a text in JSON, at any level: \"token\": \"…\".
_ESCAPED: Final = re.compile(
    r"""(?<!\\)(\\+)"([A-Za-z_][\w.-]{1,60})\1"(\s*:\s*)(?:\1"(.{0,10000}?)(?<!\\)\1"|([^\s,}\]\\"]+))"""
)
_ESCAPED_KEYS: Final = re.compile(r"""\\"([A-Za-z_][\w.-]{1,60})\\+"\s*:""")
_FIELD: Final = re.compile(r"<(?:input|meta)\b[^<>]{0,2000}>", re.IGNORECASE)
_FIELD_NAME: Final = re.compile(r"""\b(?:name|id|property)\s*=\s*(["']?)([\w.-]+)""", re.IGNORECASE)
_FIELD_VALUE: Final = re.compile(r"""(\b(?:value|content)\s*=\s*)(["'])([^"']+)\2""", re.IGNORECASE)
_TELL_NOTHING: Final = frozenset({"", "null", "true", "false", "none", "bearer", "basic", "digest", MASK})
_ELEMENT: Final = re.compile(r"<([A-Za-z_][\w.-]{1,60})>([^<]+)<")


class BesideNames:
    """Masks what stands beside the names of secrets, whoever wrote the text, and without knowing any value.

    Args:
        names: which names they are.
        mask: what stands for a value.
    """

    def __init__(self, names: SensitiveNames, mask: Callable[[str], str]) -> None:
        self._names = names
        self._mask = mask

    def masked(self, text: str) -> str:
        """The text without them; a long one is searched for the names first, which is much faster."""
        if "://" in text:
            text = _USERINFO.sub(lambda found: f"{found[1]}{self._mask(found[2])}{found[3]}", text)
        if ("=" in text or ":" in text) and (len(text) < _LONG or self._has_names(text)):
            text = _NAMED.sub(self._named, text)
        lower = text.lower()
        if '\\"' in text and (
            len(text) < _LONG or any(name in self._names for name in set(_ESCAPED_KEYS.findall(text)))
        ):
            text = _ESCAPED.sub(self._escaped, text)
        if ":" in text and any(word in lower for word in _HEADER_WORDS):
            text = _HEADER.sub(lambda found: f"{found[1]}{found[2]}{self._mask(found[3])}", text)
        if " " in text and any(word in lower for word in _CREDENTIAL_WORDS):
            text = _CREDENTIALS.sub(self._credential, text)
        if "<input" in lower or "<meta" in lower:
            text = _FIELD.sub(self._field, text)
        return _ELEMENT.sub(self._element, text) if "</" in text else text

    def _has_names(self, text: str) -> bool:
        """Whether a text has a name of secrets where `_NAMED` looks for one."""
        names = set(_KEYS.findall(text))
        for piece in text.split("=")[:-1]:
            if found := _BEFORE_EQUALS.search(piece[-61:]):
                names.add(found[0])
        return any(name.rpartition(".")[2] in self._names for name in names)

    def _named(self, found: re.Match[str]) -> str:
        name, value = found[1] or found[3], found[5]
        bare = value.strip("\"'")
        if name.rpartition(".")[2] not in self._names or bare.lower() in _TELL_NOTHING:
            return found[0]
        edge = value[0] if value[0] in "\"'" else ""
        return f"{found[0][: -len(value)]}{edge}{self._mask(bare)}{edge}"

    def _escaped(self, found: re.Match[str]) -> str:
        """JSON in a text of JSON: each quote has a backslash, or several."""
        value = found[4] if found[4] is not None else found[5]
        if found[2] not in self._names or value.lower() in _TELL_NOTHING:
            return found[0]
        edge = f'{found[1]}"' if found[4] is not None else ""
        return f'{found[1]}"{found[2]}{found[1]}"{found[3]}{edge}{self._mask(value)}{edge}'

    def _field(self, found: re.Match[str]) -> str:
        """A field of a form, or what a page says of itself: their names and values are attributes."""
        tag = found[0]
        if not any(name in self._names for _, name in _FIELD_NAME.findall(tag)):
            return tag
        return _FIELD_VALUE.sub(lambda value: f"{value[1]}{value[2]}{self._mask(value[3])}{value[2]}", tag)

    def _element(self, found: re.Match[str]) -> str:
        return f"<{found[1]}>{self._mask(found[2])}<" if found[1] in self._names else found[0]

    def _credential(self, found: re.Match[str]) -> str:
        """Mostly a secret, but these words are of English too: "Basic authentication", "a digest mismatch"."""
        said = found[2]
        if said.lower() in _AFTER_BEARER or (
            found[1].lower() != "bearer" and len(said) < 20 and said[1:].isalpha() and said[1:].islower()
        ):
            return found[0]
        return f"{found[1]} {self._mask(said)}"
