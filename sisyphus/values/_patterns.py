"""Regular expressions of users: read as Python's `re` reads them, matched in bounded time.

`re` cannot be stopped, and a pattern such as ``(a|a)*$`` needs longer than the universe for fifty characters. The `regex`
library can; what it reads differently is written so that it does not.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Final

from sisyphus.errors import QueryError
from sisyphus.values._patience import left
from sisyphus.values._text import shorten
from sisyphus.words import tr

if TYPE_CHECKING:
    import regex

# Nobody writes longer ones, and compiling them takes a second.
MAX_PATTERN: Final = 10_000

# For a text that every match must hold, `regex` makes a table before it looks for it, in cubic time where the text repeats
# itself, and there it cannot be stopped: 2,000 times "7" take five seconds. It makes none where there is another branch.
_LONG: Final = 200
_NO_TABLE: Final = "(?!)|"

# What `regex` remembers while it tries grows with the text, some hundred bytes for each character.
MAX_SEARCHED: Final = 1_000_000

# Counted repetitions are written out when `regex` compiles them: `((a{1000}){1000}){1000}` is a billion characters.
MAX_WEIGHT: Final = 100_000

# What `regex` reads otherwise: braces that are no repetition (to it, the pattern may match roughly: `a{e<=1}`), and
# brackets within brackets (`[[:alpha:]]`).
_TOKEN: Final = re.compile(
    r"\\N\{[^}]*\}|\\.|\{(?:\d+(?:,\d*)?|,\d*)\}|(?P<brace>\{)|\[\^?\]?(?P<set>(?:\\.|[^\]\\])*)\]", re.DOTALL
)
_PIECE: Final = re.compile(
    r"\\N\{[^}]*\}|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\()|(?P<close>\))|\{(?P<least>\d*),?(?P<most>\d*)\}|.",
    re.DOTALL,
)
_DOT: Final = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|(?P<dot>\.)", re.DOTALL)
_ESCAPED_OR_BRACKET: Final = re.compile(r"\\.|\[", re.DOTALL)


class Pattern:
    """A compiled regular expression; `compile_pattern` makes it.

    Attributes:
        text: as it was written.
        groups: how many groups it has.
        groupindex: the numbers of those that have names.
    """

    def __init__(self, text: str, source: str, known: re.Pattern[str] | None = None, flags: int = 0) -> None:
        self.text: Final = text
        self.groups: Final = known.groups if known else 0
        self.groupindex: Final[Mapping[str, int]] = known.groupindex if known else {}
        self._source: Final = source  # as the library reads it
        self._flags: Final = flags

    def prepare(self) -> None:
        """Compiles it for real, which its first use does otherwise.

        Raises:
            QueryError: it is none after all.
        """
        _ = self._stoppable

    @cached_property
    def _stoppable(self) -> regex.Pattern[str]:
        import regex  # costs 30 ms, which is much for a run without patterns

        source = self._source if len(self._source) <= _LONG else _NO_TABLE + self._source
        try:
            return regex.compile(source, self._flags, cache_pattern=False)
        except (regex.error, OverflowError, RecursionError) as error:
            raise _invalid(self.text, error) from error

    def search(self, text: str) -> regex.Match[str] | None:
        """The first match anywhere in the text.

        Raises:
            QueryError: it takes too long, or the text is longer than `MAX_SEARCHED`.
        """
        _check_length(text)
        try:
            return self._stoppable.search(text, timeout=left(QueryError))
        except TimeoutError as error:
            raise self._endless(text) from error

    def fullmatch(self, text: str) -> regex.Match[str] | None:
        """The match of all of the text; errors as of `search`."""
        _check_length(text)
        try:
            return self._stoppable.fullmatch(text, timeout=left(QueryError))
        except TimeoutError as error:
            raise self._endless(text) from error

    def finditer(self, text: str) -> Iterator[regex.Match[str]]:
        """All matches, one after another; errors as of `search`."""
        _check_length(text)
        try:
            yield from self._stoppable.finditer(text, timeout=left(QueryError))
        except TimeoutError as error:
            raise self._endless(text) from error

    def _endless(self, text: str) -> QueryError:
        return QueryError(
            tr("'{pattern}' takes too long on a text of {length} characters",
               pattern=shorten(self.text, 80), length=len(text)),
            suggestion=tr("Repetitions of repetitions, as in (a+)+, can take forever: write the pattern without."),
        )  # fmt: skip


@lru_cache(1024)
def compile_pattern(pattern: str, flags: int = 0) -> Pattern:
    """Compiles a user's regular expression.

    Raises:
        QueryError: it is none; the message says why.
    """
    _check_size(pattern)
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # of what [[ may mean some day
            known = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise _invalid(pattern, error) from error
    return Pattern(pattern, _rewritten(pattern), known, flags)


@lru_cache(1024)
def compile_i_regexp(pattern: str) -> Pattern:
    """Compiles a regular expression of RFC 9485, which is what the functions of JSONPath take.

    Raises:
        QueryError: it is none, found when it is first used.
    """
    _check_size(pattern)
    # Its dot is any character but a line feed and a carriage return.
    return Pattern(pattern, _DOT.sub(lambda found: r"[^\n\r]" if found["dot"] else found[0], pattern))


def search(pattern: str, text: str) -> bool:
    """Whether a user's regular expression matches anywhere in the text.

    Raises:
        QueryError: it is none, or takes too long.
    """
    return compile_pattern(pattern).search(text) is not None


def _check_size(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise QueryError(tr("a regular expression is longer than {limit} characters", limit=MAX_PATTERN))
    if _weight(pattern) > MAX_WEIGHT:
        raise QueryError(tr("'{pattern}' repeats too much", pattern=shorten(pattern, 80)))


def _check_length(text: str) -> None:
    if len(text) > MAX_SEARCHED:
        raise QueryError(
            tr("the text has {length} characters; regular expressions get at most {limit}",
               length=len(text), limit=MAX_SEARCHED)
        )  # fmt: skip


def _weight(pattern: str) -> int:
    """About how many characters a pattern has once its counted repetitions are written out."""
    weights, last = [0], 0
    for piece in _PIECE.finditer(pattern):
        if piece["open"]:
            weights.append(0)
            continue
        if piece["close"]:
            last = weights.pop() if len(weights) > 1 else 0
        elif piece["least"] is not None:
            last *= max(int(piece["least"][:9] or 1), int(piece["most"][:9] or 1), 1) - 1
        else:
            last = 1
        weights[-1] += last
    return sum(weights)


def _invalid(pattern: str, error: Exception) -> QueryError:
    return QueryError(
        tr("'{pattern}' is no valid regular expression: {reason}", pattern=shorten(pattern, 80), reason=error)
    )


def _rewritten(pattern: str) -> str:
    return _TOKEN.sub(_plainly, pattern)


def _plainly(match: re.Match[str]) -> str:
    if match["brace"]:
        return r"\{"
    if match["set"] is None:
        return match[0]
    return "[" + _ESCAPED_OR_BRACKET.sub(lambda inner: r"\[" if inner[0] == "[" else inner[0], match[0][1:])
