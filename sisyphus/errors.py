"""Every error that is raised on purpose.

::

    SisyphusError
      + UsageError            the command line or a call was wrong (exit code 2)
      + CaseFileError         the problems of case files, all of them (exit code 2)
      + StartError            the run could not start: a port is taken, … (exit code 3)
      + OutputError           the run's outputs could not be written (exit code 3)
      + WatchError            a run cannot be watched, or no longer (exit code 3)
      + StepError             a step could not be carried out; the run goes on
        - TemplateError       a template is wrong, or failed while it was rendered
          x UndefinedName     it used a name that does not exist
        - QueryError          a path or pattern is wrong, or failed while it was applied
        - CheckError          a validation could not be carried out
        - FieldError          a field got a value it cannot use
        - NetworkError        the other side could not be reached or talked to
          x ResolveError      its name has no address
          x ConnectError      no connection (refused, unreachable)
          x TlsError          no trust: certificate, protocol
          x ProxyError        the proxy cannot be reached, or does not let through
          x BrokenResponse    the connection broke, or what came is not HTTP
        - StepTimeout         it did not end within its limit
        - BodyError           a body is not what it has to be
        - ScriptError         a script did not come to its end
        - DatabaseError       a database refused a statement, or who wanted in
        - DriverMissing       the package that speaks to a database is not installed
        - NoMoreFiles         the process may open no further file or connection

A validation that does not hold is no error but data (`sisyphus.results`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal

from attrs import frozen

from sisyphus.comparable import Comparable
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Iterable


Category = Literal["assertion", "network", "timeout", "parsing", "business", "system"]
"""The live protocol's `error_category`."""


@frozen(eq=False, repr=False)
class Mark(Comparable):
    """A place in a case file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@frozen(eq=False, repr=False)
class Problem(Comparable):
    """One thing that is wrong in a case file, where it stands, and what to do about it."""

    mark: Mark
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.mark}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class SisyphusError(Exception):
    """Base of all errors raised on purpose; its text is a sentence for the user."""


class UsageError(SisyphusError):
    """The command line, or a call of the library, asks for something that does not exist."""


class CaseFileError(SisyphusError):
    """Case files that cannot be run as they are.

    Attributes:
        problems: everything found, in the order of file and line.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: Final = tuple(sorted(problems, key=lambda p: (p.mark.file, p.mark.line, p.mark.column)))
        super().__init__("\n".join(map(str, self.problems)))


class StartError(SisyphusError):
    """The run could not start; nothing was run."""


class OutputError(SisyphusError):
    """The run took place, but a report or result file could not be written."""


class WatchError(SisyphusError):
    """A run cannot be watched: nobody is there, the server refuses, or the connection was lost for good."""


class StepError(SisyphusError):
    """A step could not be carried out; the other steps are not concerned.

    Attributes:
        category: one of the contract's `error_category` values.
        kinds: the words of `retry_on`/`stop_on` that mean this error, besides the names of its classes.
        suggestion: what the user can do, one sentence; by default the class's own.
    """

    category: ClassVar[Category] = "system"
    kinds: ClassVar[frozenset[str]] = frozenset()
    retryable: ClassVar[bool] = False  # whether trying again without being told to may help

    def __init__(self, message: str, *, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion: Final = suggestion or self._advice()

    def _advice(self) -> str:
        return tr("Read the message above; run again with -v to see each attempt.")

    def names(self) -> frozenset[str]:
        """The class names of this error and its bases, as `retry_on` may give them."""
        return frozenset(cls.__name__ for cls in type(self).__mro__ if issubclass(cls, StepError))


class TemplateError(StepError):
    """A template is wrong, or its evaluation failed."""

    category: ClassVar[Category] = "business"

    def _advice(self) -> str:
        return tr("Check the ${…} expression: its spelling, its quotes, and the values it works on.")


class UndefinedName(TemplateError):
    """A template used a name that is not defined; `name` is that name.

    Attributes:
        name: as the template wrote it, up to where it broke off.
        within: whether it is something defined that lacks it (``body.id``), which another answer may have.
    """

    def __init__(self, name: str, known: Iterable[str] = (), *, within: bool = False) -> None:
        self.name: Final = name
        self.within: Final = within
        near = nearest(name, known)
        message = tr("'{name}' is not defined", name=name)
        if near:
            message += tr(" (did you mean '{near}'?)", near=near)
        super().__init__(message)

    def _advice(self) -> str:
        return tr(
            "Define it under config.variables, extract it in an earlier step, or give it a value if it is missing: "
            "${name|default('…')}."
        )


class QueryError(StepError):
    """A path, pattern or schema is wrong, or could not be applied."""

    category: ClassVar[Category] = "parsing"

    def _advice(self) -> str:
        return tr("Check the path or pattern against the response; run with -v to see the response.")


class CheckError(StepError):
    """A validation could not be carried out, which is not the same as not holding."""

    category: ClassVar[Category] = "parsing"
    kinds = frozenset({"validation"})

    def _advice(self) -> str:
        return tr("The validation itself could not be carried out; check its path, pattern and templates.")


class FieldError(StepError):
    """A field of the step got, usually from a template, a value that it cannot use."""

    category: ClassVar[Category] = "business"

    def _advice(self) -> str:
        return tr("Check the value this field gets; a template in it may give another type than you expect.")


class NetworkError(StepError):
    """The other side could not be reached or talked to."""

    category: ClassVar[Category] = "network"
    kinds = frozenset({"network"})
    retryable = True

    def _advice(self) -> str:
        return tr("Check that the service runs and can be reached from this machine.")


class ResolveError(NetworkError):
    """The host's name has no address."""

    kinds = frozenset({"network", "connection", "dns"})

    def _advice(self) -> str:
        return tr("Check the host name in the URL or base_url, and this machine's DNS.")


class ConnectError(NetworkError):
    """No connection could be made."""

    kinds = frozenset({"network", "connection"})

    def _advice(self) -> str:
        return tr("Check that the service is started and listens on this address and port.")


class TlsError(NetworkError):
    """The connection could not be made safe."""

    kinds = frozenset({"network", "tls"})

    def _advice(self) -> str:
        return tr("Check the server's certificate and its name; for a test server of your own, verify_ssl: false.")


class ProxyError(NetworkError):
    """The proxy could not be reached or did not connect."""

    kinds = frozenset({"network", "connection"})

    def _advice(self) -> str:
        return tr("Check the address of the proxy and its credentials; proxy: null goes without one.")


class BrokenResponse(NetworkError):
    """The connection broke before the answer was whole, or what came is not HTTP."""

    kinds = frozenset({"network", "connection"})

    def _advice(self) -> str:
        return tr("The server ended or garbled its answer; look in its log for this request.")


class StepTimeout(StepError):
    """The step did not end within its limit."""

    category: ClassVar[Category] = "timeout"
    kinds = frozenset({"timeout"})
    retryable = True

    def _advice(self) -> str:
        return tr("Raise the step's timeout if so long an answer is fine, or find out why the service is slow.")


class BodyError(StepError):
    """A body is not what it has to be."""

    category: ClassVar[Category] = "parsing"

    def _advice(self) -> str:
        return tr("Look at the raw body in the result (text); the content type may not tell the truth.")


class ScriptError(StepError):
    """A script raised an exception, or its process ended before it did."""

    category: ClassVar[Category] = "business"
    retryable = True

    def __init__(self, message: str, *, names: Iterable[str] = (), suggestion: str | None = None) -> None:
        super().__init__(message, suggestion=suggestion)
        self._names: Final = frozenset(names)  # of the exception's class and its bases

    def names(self) -> frozenset[str]:
        return super().names() | self._names

    def _advice(self) -> str:
        return tr("Look at the line of the script, and at what it printed: -v shows it.")


class DatabaseError(StepError):
    """A database refused a statement, or whoever wanted to connect.

    Attributes:
        state: the database's own word or number for what is wrong (SQLSTATE, where it has one).
    """

    category: ClassVar[Category] = "business"
    kinds = frozenset({"database"})

    def __init__(self, message: str, *, state: str | None = None, suggestion: str | None = None) -> None:
        self.state: Final = state
        super().__init__(f"{message} ({state})" if state else message, suggestion=suggestion)

    def _advice(self) -> str:
        return tr("Check the statement and its params against the tables; the database says what it does not accept.")


class DriverMissing(StepError):
    """The package that speaks to a database is not installed."""

    def __init__(self, database: str, extra: str) -> None:
        super().__init__(
            tr("what speaks to {database} is not installed", database=database),
            suggestion=tr("Install it: {command}", command=f"pip install 'sisyphus-api-engine[{extra}]'"),
        )


class NoMoreFiles(StepError):
    """The process may open no further file or connection, until others are closed."""

    retryable = True

    def _advice(self) -> str:
        return tr("Run fewer cases at a time (--jobs), or allow more open files (ulimit -n).")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like `word`, or None if nothing is near; case does not count."""
    import difflib

    by_lower = {k.lower(): k for k in known}
    found = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
