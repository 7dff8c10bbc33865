"""How a run is carried out, and where it can be watched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Literal

from attrs import define, field
from attrs.validators import ge, optional

from sisyphus.errors import UsageError
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from sisyphus.case.model import Case
    from sisyphus.live.serving import LiveSettings


TOKEN_VARIABLE: Final = "SISYPHUS_WS_TOKEN"  # noqa: S105 - the name of a variable


@define(frozen=True, kw_only=True, eq=False, repr=False)
class Settings:
    """How a run is carried out.

    Attributes:
        jobs: how many cases may run at a time.
        fail_fast: whether the first failure ends the run.
        max_failures: how many failed cases end the run; None for any number.
        live: where watchers connect; None for no server, whatever the cases say.
        keep_steps: whether the result holds the results of the steps.
        details: whether anyone looks at their responses; if not, these need not be searched for secrets.
        event_log: the file that gets every event as a line.
        html: the file that the page with the run in it goes to.
        html_parts: more such files, each with the names of the case files whose cases stand in it.
        handle_signals: whether SIGINT and SIGTERM end the run, a second one the process; only in the main thread.
        environ: what ``${env.…}`` reads.
        narrow: chooses among the cases once the rows that stand in a database are known; asked only if there are any.
    """

    jobs: int = field(default=8, validator=ge(1))
    fail_fast: bool = False
    max_failures: int | None = field(default=None, validator=optional(ge(1)))
    live: LiveSettings | Literal["as the cases say"] | None = "as the cases say"
    keep_steps: bool = True
    details: bool = True
    event_log: Path | None = None
    html: Path | None = None
    html_parts: Mapping[Path, Collection[str]] = field(factory=dict)
    handle_signals: bool = False
    environ: Mapping[str, str] = field(factory=lambda: os.environ)
    narrow: Callable[[Sequence[Case]], Sequence[Case]] | None = None

    @property
    def pages(self) -> dict[Path, Collection[str] | None]:
        """All files that a page goes to, and the case files it is about; None for all of them."""
        whole: dict[Path, Collection[str] | None] = {} if self.html is None else {self.html: None}
        return {**self.html_parts, **whole}

    @property
    def most_failures(self) -> int | None:
        """How many failed cases end the run, whichever way that was said."""
        return 1 if self.fail_fast else self.max_failures


def live_settings(
    cases: Sequence[Case], *, asked: bool = False, environ: Mapping[str, str] = os.environ, **said: Any
) -> LiveSettings | None:
    """What is `said` (not None) over what the cases say, key by key; of several cases the first that says it counts.

    Args:
        cases: the cases of the run.
        asked: whether there is to be a server also if no case enables one.
        environ: where the token is looked for that is not said.
        **said: fields of `LiveSettings`.

    Raises:
        UsageError: no server can be set up so.
    """
    written = [case.config.websocket for case in cases if asked or case.config.websocket.enabled]
    if not asked and not written:
        return None
    from sisyphus.live.serving import LiveSettings

    if said.get("token") is None and (token := environ.get(TOKEN_VARIABLE)) is not None:
        if not token:
            # A secret that was not set where it should have been is no reason to let everyone in.
            raise UsageError(tr("{name} is empty: set it to the token, or take it away", name=TOKEN_VARIABLE))
        said["token"] = token
    for key in ("host", "port"):
        given = (said.get(key), *(getattr(websocket, key) for websocket in written))
        said[key] = next((value for value in given if value is not None), None)
    try:
        return LiveSettings(**{key: value for key, value in said.items() if value is not None})
    except ValueError as exc:
        raise UsageError(tr("the live server cannot be set up so: {reason}", reason=exc)) from exc
