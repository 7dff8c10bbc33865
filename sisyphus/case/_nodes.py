"""Mappings and lists that remember where they were written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sisyphus.errors import Mark

_NO_BLOCKS: Final[Mapping[tuple[int, int], int]] = MappingProxyType({})


class Map(dict[str, Any]):
    """A mapping of a case file: a plain dict to everyone, with the places of its keys and values besides.

    Attributes:
        file: the file it stands in, which for included parts is the included one.
        line: where it begins, counted from 1.
        column: likewise.
        marks: for each key the line and column of the key, then those of its value.
        blocks: the file's literal blocks (``|``): how far their lines are indented, by where the ``|`` stands.
    """

    __slots__ = ("blocks", "column", "file", "line", "marks")

    def __init__(self, file: str, line: int, column: int, blocks: Mapping[tuple[int, int], int] = _NO_BLOCKS) -> None:
        super().__init__()
        self.blocks = blocks
        self.file = file
        self.line = line
        self.column = column
        self.marks: dict[str, tuple[int, int, int, int]] = {}

    @property
    def mark(self) -> Mark:
        """Where the mapping begins."""
        return Mark(self.file, self.line, self.column)

    def key_mark(self, key: str) -> Mark:
        """Where the key stands; for a key that the file does not have, where the mapping begins."""
        where = self.marks.get(key)
        return Mark(self.file, where[0], where[1]) if where else self.mark

    def value_mark(self, key: str) -> Mark:
        """Where the value of `key` begins (an included value: where ``!include`` stands)."""
        where = self.marks.get(key)
        return Mark(self.file, where[2], where[3]) if where else self.mark


class Seq(list[Any]):
    """A list of a case file: a plain list to everyone, with the places of its items besides.

    Attributes:
        file: the file it stands in, which for included parts is the included one.
        line: where it begins, counted from 1.
        column: likewise.
        marks: the line and column of each item.
    """

    __slots__ = ("column", "file", "line", "marks")

    def __init__(self, file: str, line: int, column: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.column = column
        self.marks: list[tuple[int, int]] = []

    @property
    def mark(self) -> Mark:
        """Where the list begins."""
        return Mark(self.file, self.line, self.column)

    def item_mark(self, index: int) -> Mark:
        """Where an item stands; for one that the file does not have, where the list begins."""
        if not -len(self.marks) <= index < len(self.marks):
            return self.mark
        line, column = self.marks[index]
        return Mark(self.file, line, column)
