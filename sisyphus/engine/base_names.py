"""What templates can name before anything has run: functions, the environment, the settings."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from sisyphus.engine.context import text_of
from sisyphus.engine.scope import Environment
from sisyphus.values.functions import build_functions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sisyphus.case.model import Case


def base_names(case: Case, environ: Mapping[str, str], query: Callable[..., Any] | None = None) -> dict[str, Any]:
    """The names that every template of a case has, whenever it is rendered; a new mapping each time.

    Args:
        case: whose templates.
        environ: what `env` reads.
        query: what `db_query` does; without it there are no databases.
    """
    config = case.config
    functions = build_functions(
        seed=config.seed, env=environ, resolve_file=partial(text_of, case), locale=config.faker_locale, query=query
    )
    return {
        **functions,
        **(_own(case) if case.functions else {}),
        "env": Environment(environ, functions["env"]),
        "config": config.raw,
        "profile": config.profile_values,
    }


def _own(case: Case) -> dict[str, Callable[..., Any]]:
    from sisyphus.values.user_functions import callable_by_templates

    return callable_by_templates(case.functions, _time_left)


def _time_left() -> float:
    """Seconds that a function of the user's may take here, of what the step or the case has left."""
    from sisyphus.foreign import LONGEST_CALL

    try:
        return min(LONGEST_CALL, trio.current_effective_deadline() - trio.current_time())
    except RuntimeError:  # before the run, where nobody waits for anything
        return LONGEST_CALL
