"""The commands beside running cases: one line each, and a module of its own."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sisyphus.report.standard import StandardStream

# The first word of the command line, and the module that does what it says.
_TABLE: Final = {
    "mock": "sisyphus.command_mock",
    "watch": "sisyphus.command_watch",
}


class Subcommand(Protocol):
    """A module that carries out a command of its own."""

    def run(self, given: Sequence[str], out: StandardStream) -> int:
        """Does what the arguments behind the command's name say.

        Returns:
            The exit code.

        Raises:
            UsageError: the arguments are wrong.
            CaseFileError: the files are.
            StartError: it could not begin.
            WatchError: there is nothing to watch, or no longer.
        """
        ...


def subcommand(given: Sequence[str]) -> Subcommand | None:
    """The command that a command line begins with, None if it begins with cases or options."""
    module = _TABLE.get(given[0]) if given else None
    return None if module is None else cast("Subcommand", importlib.import_module(module))
