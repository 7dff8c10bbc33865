"""A slice of ``just fuzz``: mutated case files give a run or an error of ours, never a traceback, never a hang."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutating import HOSTILE

from sisyphus.case.load import loads
from sisyphus.errors import CaseFileError, StepError
from sisyphus.values.query import compile_query
from sisyphus.values.template import condition_holds, render

ROOT = Path(__file__).parents[2]
SEED = os.environ.get("SISYPHUS_FUZZ_SEED", "1")


def test_mutated_examples_give_a_run_or_a_clean_error() -> None:
    # A process of its own: what keeps the mutants from the world outside cannot be taken back.
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--count", "100", "--seed", SEED],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False, env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, f"python -m tests.fuzz --seed {SEED}\n{done.stdout}\n{done.stderr[-4000:]}"


KEYS = st.sampled_from([
    "name", "type", "steps", "config", "url", "method", "headers", "params", "body", "json", "data", "files", "auth", "validations",
    "extractors", "retry_policy", "skip_if", "only_if", "depends_on", "setup", "teardown", "variables", "timeout", "condition", "seconds",
    "profiles", "active_profile", "mock_server", "routes", "path", "response", "eq", "status_code", "schema", "and", "or", "not", "index",
    "default", "env_vars", "websocket", "expect", "comparator", "pattern", "loop", "poll_config", "script", "sql", "database", "items",
])  # fmt: skip
VALUES = st.recursive(
    st.sampled_from(HOSTILE),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(KEYS, VALUES, max_size=6), VALUES, st.booleans())
def test_any_mapping_under_known_keys_is_a_case_or_a_list_of_problems(
    root: dict[str, Any], steps: Any, beside: bool
) -> None:
    document = {"name": "x", **root, "steps": [{"name": "a", "url": "/", "validations": steps}] if beside else steps}
    with suppress(CaseFileError):
        loads(yaml.safe_dump(document, allow_unicode=True))


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(VALUES, VALUES, st.text(max_size=8))
def test_any_value_is_rendered_decided_and_searched_or_is_an_error_of_the_step(
    value: Any, data: Any, text: str
) -> None:
    names = {"x": data, "config": {}, "steps": {}, "response": {"body": data}}
    for ask in (
        lambda: render(value, names),
        lambda: condition_holds(value, names),
        lambda: compile_query(value if isinstance(value, str) else f"$..{text}").find({"body": data}),
    ):
        with suppress(StepError):
            ask()
