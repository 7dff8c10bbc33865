"""Which names of headers, keys and variables stand for secrets."""

from __future__ import annotations

import functools
import itertools
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# Matched as whole words of a name, so that `author`, `keyboard`, `tokenizer` and `secretary` stay.
_WORDS: Final = frozenset(
    {"authorization", "cookie", "cookies", "credential", "credentials", "jwt", "otp", "passcode", "passphrase",
     "passwd", "password", "passwords", "pwd", "secret", "secrets", "token", "tokens", "totp",
     "apikey", "accesskey", "privatekey", "secretkey", "sessionid", "sessid", "csrftoken", "xsrftoken",
     "accesstoken", "refreshtoken", "idtoken", "authtoken", "clientsecret"}
)  # fmt: skip
_CHINESE: Final = re.compile("密码|口令|密钥|令牌|验证码")  # Chinese has no gaps between words
# Two words in a row, where each alone is harmless: `api_key`, `X-Api-Key`, `sessionId`.
_PAIRS: Final = frozenset(
    {("api", "key"), ("access", "key"), ("private", "key"), ("secret", "key"), ("signing", "key"), ("encryption", "key"),
     ("session", "id"), ("session", "key"), ("auth", "key"), ("auth", "code"), ("card", "number"), ("pin", "code")}
)  # fmt: skip
# Names that have such a word and tell no secret: how many tokens there are, what kind, when they end.
_HARMLESS: Final = frozenset(
    {"type", "count", "limit", "usage", "used", "url", "uri", "endpoint", "policy", "expires", "expiry", "ttl", "max",
     "min", "total", "length", "name", "field", "header", "names", "strength", "rules"}
)  # fmt: skip

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


class SensitiveNames:
    """The built-in names and those of a case.

    Args:
        fields: names that are secrets too, whatever their case; ``*`` stands for any text. A dotted one counts by its
            last part.
    """

    def __init__(self, fields: Iterable[str] = ()) -> None:
        written = {field.rpartition(".")[2].strip("$[]'\"").lower() for field in fields}
        self._exact = frozenset(name for name in written if name and "*" not in name)
        self._patterns = tuple(sorted(name for name in written if "*" in name))

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if self._exact or self._patterns:
            lower = name.lower()
            if lower in self._exact or any(fnmatchcase(lower, pattern) for pattern in self._patterns):
                return True
        return is_sensitive(name)


@functools.lru_cache(maxsize=4096)
def is_sensitive(name: str) -> bool:
    """Whether a name is one that is always kept secret."""
    if len(name) > 200:  # a text that has become a key
        return False
    if _CHINESE.search(name):
        return True
    words = [word.lower() for word in _WORD.findall(name)]
    if _WORDS.isdisjoint(words) and _PAIRS.isdisjoint(itertools.pairwise(words)):
        return False
    return words[-1] not in _HARMLESS and words[0] not in {"max", "min", "num", "has", "is", "count"}
