"""Texts of the command line to values, or to words about what is wrong with them."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sisyphus.selection import Shard
    from sisyphus.tags import TagExpression


def port(text: str) -> int:
    """A port; 0 is any free one."""
    if _is_number(text) and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(tr("a port is a number from 0 to 65535, got '{value}'", value=text))


def from_one(text: str) -> int:
    """A whole number from 1 on."""
    if _is_number(text) and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(tr("must be a whole number from 1 on, got '{value}'", value=text))


def tags(text: str) -> TagExpression:
    """An expression over tags."""
    from sisyphus.tags import TagSyntaxError, parse_tags

    try:
        return parse_tags(text)
    except TagSyntaxError as exc:
        message = tr("'{value}' is no expression over tags: {reason}", value=text, reason=exc)
        raise argparse.ArgumentTypeError(message) from exc


def shard(text: str) -> Shard:
    """A part of a whole, ``I/N``."""
    from sisyphus.selection import Shard

    index, slash, count = text.partition("/")
    if slash and _is_number(index) and _is_number(count) and 0 < int(index) <= int(count):
        return Shard(int(index), int(count))
    raise argparse.ArgumentTypeError(tr("must be I/N with I from 1 to N, as in 1/3, got '{value}'", value=text))


def count(text: str) -> int:
    """A whole number."""
    if _is_number(text):
        return int(text)
    raise argparse.ArgumentTypeError(tr("must be a whole number, got '{value}'", value=text))


def seconds(text: str) -> float:
    """A time."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if 0 <= seconds < math.inf:
        return seconds
    raise argparse.ArgumentTypeError(tr("must be a number of seconds, got '{value}'", value=text))


def size(text: str) -> int:
    """A number of bytes, ``512K`` or ``64M``."""
    factor = {"K": 1024, "M": 1024**2, "G": 1024**3}.get(text[-1:].upper())
    number = text if factor is None else text[:-1]
    if _is_number(number) and int(number) > 0:
        return int(number) * (factor or 1)
    raise argparse.ArgumentTypeError(tr("must be a size like 512K or 64M, got '{value}'", value=text))


def origin(text: str) -> str:
    """Where a page is from, in its one spelling."""
    from sisyphus.live.access import origin_of

    if (origin := origin_of(text)) is not None:
        return origin
    message = tr("an origin looks like https://ci.example or http://localhost:3000, got '{value}'", value=text)
    raise argparse.ArgumentTypeError(message)


def one_of(known: Sequence[str]) -> Callable[[str], str]:
    """One of some words."""

    def choose(text: str) -> str:
        if text in known:
            return text
        message = tr("there is no '{value}', only {known}", value=text, known=", ".join(known))
        raise argparse.ArgumentTypeError(message)

    return choose


def _is_number(text: str) -> bool:
    # Python refuses to read numbers of some thousand digits.
    return text.isascii() and text.isdigit() and len(text) < 10
