"""The text of a script to code that knows its lines in the case file."""

from __future__ import annotations

import ast
import functools
import marshal
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterator

VALUE: Final = "__value__"
"""The name that the value of a script's last line has, if that line is an expression."""


@frozen(kw_only=True, eq=False, repr=False)
class Text(Comparable):
    """The text of a script and where it stands.

    Attributes:
        source: the text.
        file: the file it stands in, as positions show it.
        line: the file's line on which the text's first line stands.
        column: how far the text is indented there.
        exact: whether each line of the text is one of the file; else all of it is said to stand on `line`.
    """

    source: str
    file: str
    line: int = 1
    column: int = 0
    exact: bool = True

    def at(self, line: int) -> str:
        """A line of the compiled code as a message shows it: ``case.yaml:14``."""
        if self.exact or not self.several:
            return f"{self.file}:{line if self.exact else self.line}"
        return tr("{file}:{first}, line {line} of the script", file=self.file, first=self.line, line=line)

    @property
    def several(self) -> bool:
        """Whether it has more than one line."""
        return "\n" in self.source.strip("\n")

    def of(self, line: int) -> str:
        """What the script says on a line of the compiled code."""
        lines = self.source.split("\n")  # as Python counts them; splitlines() knows more ends of lines
        index = line - (self.line if self.exact else 1)
        return lines[index].strip() if 0 <= index < len(lines) else ""


class NoPython(Exception):
    """A script is not Python; `line` and `column` (from 1) are places in the text's file."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line: Final = line
        self.column: Final = column


@frozen(kw_only=True, eq=False, repr=False)
class Program(Comparable):
    """A script that can be run.

    Attributes:
        text: what it was made of.
        code: its code object, marshalled: for an interpreter of this very version.
        names: which names it uses, at any depth.
        warnings: what Python warned of while it read the text, each with its line.
    """

    text: Text
    code: bytes
    names: frozenset[str]
    warnings: tuple[tuple[int, str], ...] = ()


@functools.lru_cache(maxsize=256)  # a loop runs the same script again and again
def compiled(text: Text) -> Program:
    """Compiles a script.

    Raises:
        NoPython: it is not Python.
    """
    shift = text.line - 1 if text.exact else 0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with _refusals(text, shift):
            tree = ast.parse(text.source, text.file)
        early = len(caught)
        _keep_last_value(tree)
        ast.increment_lineno(tree, shift)
        with _refusals(text, 0):
            code = compile(tree, text.file, "exec", dont_inherit=True)
    # What was found while parsing knows nothing of the shift yet.
    found = [(one.lineno + (shift if number < early else 0), str(one.message)) for number, one in enumerate(caught)]
    names = frozenset(node.id for node in ast.walk(tree) if isinstance(node, ast.Name))
    return Program(text=text, code=marshal.dumps(code), names=names, warnings=tuple(found))


def _keep_last_value(tree: ast.Module) -> None:
    if tree.body and isinstance(last := tree.body[-1], ast.Expr):
        name = ast.Name(VALUE, ast.Store())
        tree.body[-1] = ast.copy_location(ast.Assign([name], last.value), last)
        ast.fix_missing_locations(tree)


@contextmanager
def _refusals(text: Text, shift: int) -> Iterator[None]:
    """Python's ways of saying no become one; `shift` is what its lines lack to be the file's."""
    try:
        yield
    except SyntaxError as exc:
        line, column = exc.lineno or 1, max(exc.offset or 1, 1)
        if text.exact:
            raise NoPython(exc.msg, line + shift if exc.lineno else text.line, text.column + column) from None
        several = tr("{reason}, on line {line} of the script", reason=exc.msg, line=line)
        raise NoPython(several if text.several else exc.msg, text.line, text.column + 1) from None
    except (RecursionError, MemoryError) as exc:  # how CPython refuses code that is nested too deep
        raise NoPython(tr("it is nested too deep"), text.line, text.column + 1) from exc
    except ValueError as exc:  # a null byte, half a character
        raise NoPython(str(exc), text.line, text.column + 1) from exc
