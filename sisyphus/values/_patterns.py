"""Regular expressions of users, with a bound on what they are let loose on."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from sisyphus.errors import QueryError
from sisyphus.values._text import shorten
from sisyphus.words import tr

# Python's `re` cannot be stopped, so only the length of its input can be bounded: a megabyte is far more than anyone
# matches on purpose, and keeps patterns that go through the text once per position (quadratic) within minutes. It is no
# guard against patterns that are exponential; those hang on thirty characters.
MAX_SEARCHED: Final = 1_000_000


@lru_cache(1024)
def compile_pattern(pattern: str) -> re.Pattern[str]:
    """Compiles a user's regular expression.

    Raises:
        QueryError: it is none; the message says why.
    """
    try:
        return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise QueryError(
            tr("'{pattern}' is no valid regular expression: {reason}", pattern=shorten(pattern, 80), reason=error)
        ) from error


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """`pattern.search(text)`, for text of a bounded length.

    Raises:
        QueryError: the text is longer than `MAX_SEARCHED`.
    """
    check_length(text)
    return pattern.search(text)


def check_length(text: str) -> None:
    """Refuses text that is too long to let a user's regular expression loose on it."""
    if len(text) > MAX_SEARCHED:
        raise QueryError(
            tr("the text has {length} characters; regular expressions get at most {limit}",
               length=len(text), limit=MAX_SEARCHED)
        )  # fmt: skip
