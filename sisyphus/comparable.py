"""Equality, hash and representation from the fields of a class, without code that is generated for each."""

from __future__ import annotations

from typing import Any


class Comparable:
    """The base of attrs classes that are there at every start.

    attrs writes and compiles these three methods anew for each class, in each process: for the classes of a run that was
    a tenth of what one step takes. They are to be made with ``eq=False, repr=False``; fields that say so are left out.
    """

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        """Whether all fields are equal, of two of the same class."""
        if other.__class__ is not self.__class__:
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _compared(self))

    def __hash__(self) -> int:
        """A hash of all fields.

        Raises:
            TypeError: one of them has none.
        """
        return hash((self.__class__, *(getattr(self, name) for name in _compared(self))))

    def __repr__(self) -> str:
        """The class with its fields, as attrs would show it."""
        shown = (f"{a.name}={getattr(self, a.name)!r}" for a in _attributes(self) if a.repr)
        return f"{self.__class__.__qualname__.rpartition('>.')[2]}({', '.join(shown)})"


def _attributes(value: Any) -> tuple[Any, ...]:
    return value.__class__.__attrs_attrs__  # type: ignore[no-any-return]


def _compared(value: Any) -> list[str]:
    return [a.name for a in _attributes(value) if a.eq]
