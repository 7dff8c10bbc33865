"""Who has the last word: every sentence of the case format about the precedence of settings and variables."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisyphus.case.load import load
from sisyphus.case.model import Case, Retry
from sisyphus.case.project import Choices
from sisyphus.values.template import compile_template, literal


class Layers:
    """A project file, a case, a profile, a step and a command line, each of which may say something."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".sisyphus").mkdir()

    def load(
        self, *, project: str = "", case: str = "", profile: str = "", step: str = "", environ: dict[str, str] | None = None,
        **choices: Any,
    ) -> Case:  # fmt: skip
        (self.root / ".sisyphus" / "config.yaml").write_text(f"{project}\n")
        profiles = f"active_profile: p\nprofiles:\n  p: {{{profile}}}\n" if profile else ""
        config = textwrap.indent(f"{profiles}{case}\n", "  ")
        step_line = f"  - {{name: s, url: /{', ' if step else ''}{step}}}"
        path = self.root / "c.yaml"
        path.write_text(f"name: c\nconfig:\n  description: of this case\n{config}\nsteps:\n{step_line}\n")
        return load(path, Choices(environ=environ or {}, **choices))


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


Read = Callable[[Case], Any]


def of_config(name: str) -> Read:
    return lambda case: getattr(case.config, name)


def of_request(name: str) -> Read:
    """What a request comes to use: the step's own, else the case's."""

    def read(case: Case) -> Any:
        own = getattr(case.steps[0].spec, name)
        return getattr(case.config, name) if own is None else own

    return read


def timeout(case: Case) -> Any:
    return case.steps[0].timeout or case.config.timeout


def retry(case: Case) -> Any:
    policy = case.steps[0].retry or case.config.retry
    return policy.max_attempts if policy is not None else None


def header(case: Case) -> Any:
    """What is sent as X-H, of the case's headers and the step's."""
    sent = {name.lower(): value for name, value in case.config.headers.items()}
    assert len(sent) == len(case.config.headers)
    sent |= {name.lower(): value for name, value in (case.steps[0].spec.headers or {}).items()}  # type: ignore[attr-defined]
    return sent.get("x-h")


# What each layer says, from the weakest on, with what is then in force; None: the layer cannot say it.
SETTINGS: dict[str, tuple[Read, list[tuple[str, str | dict[str, Any] | None, Any]]]] = {
    "base_url": (of_config("base_url"), [
        ("default", "", None),
        ("project", "base_url: http://project", "http://project"),
        ("case", "base_url: http://case", "http://case"),
        ("profile", "base_url: http://profile", "http://profile"),
        ("overrides", {"base_url": "http://cli"}, "http://cli"),
    ]),
    "timeout": (timeout, [
        ("default", "", 30),
        ("project", "timeout: 1", 1),
        ("case", "timeout: 2", 2),
        ("profile", "timeout: 3", 3),
        ("step", "timeout: 4", 4),
        ("overrides", {"timeout": 5}, 5),
    ]),
    "verify_ssl": (of_request("verify_ssl"), [
        ("default", "", True),
        ("project", "verify_ssl: false", False),
        ("case", "verify_ssl: true", True),
        ("profile", "verify_ssl: false", False),
        ("step", "verify_ssl: true", True),
        ("overrides", {"verify_ssl": False}, False),
    ]),
    "follow_redirects": (of_request("follow_redirects"), [
        ("default", "", True),
        ("project", "follow_redirects: false", False),
        ("case", "allow_redirects: true", True),
        ("step", "follow_redirects: false", False),
        ("overrides", {"follow_redirects": True}, True),
    ]),
    "headers": (header, [
        ("default", "", None),
        ("project", "headers: {X-H: project}", "project"),
        ("case", "headers: {x-h: case}", "case"),
        ("profile", "headers: {X-h: profile}", "profile"),
        ("step", "headers: {x-H: step}", "step"),
        ("overrides", {"headers.X-H": "cli"}, "cli"),
    ]),
    "retry_times": (retry, [
        ("default", "", None),
        ("project", "retry_times: 1", 1),
        ("case", "retries: 2", 2),
        ("step", "retry_times: 3", 3),
        ("overrides", {"retry_times": 4}, 4),
    ]),
    **{
        key: (of_config(key), [
            ("default", "", default),
            ("project", f"{key}: {first}", first),
            ("case", f"{key}: {second}", second),
            ("overrides", {f"config.{key}": third}, third),
        ])
        for key, default, first, second, third in (
            ("case_timeout", None, 1, 2, 3),
            ("seed", None, 1, 2, 3),
            ("faker_locale", None, "zh_CN", "ja_JP", "de_DE"),
            ("masking_strategy", "full", "none", "partial", "full"),
            ("name", None, "project", "case", "cli"),
            ("version", None, "v1", "v2", "v3"),
            ("author", None, "project", "case", "cli"),
        )
    },
}  # fmt: skip


@pytest.mark.parametrize("key", SETTINGS)
def test_of_a_setting_the_stronger_layer_counts(key: str, layers: Layers) -> None:
    read, levels = SETTINGS[key]
    said: dict[str, Any] = {}
    for layer, text, in_force in levels:
        if layer != "default":
            said[layer] = text
        assert (layer, read(layers.load(**said))) == (layer, in_force)


VARIABLES: list[tuple[str, dict[str, Any]]] = [
    ("project", {"project": "variables: {v: project}"}),
    ("case", {"case": "variables: {v: case}"}),
    ("profile", {"profile": "variables: {v: profile}"}),
    ("environment", {"environ": {"APP_V": "environment"}, "env_prefix": "APP_"}),
    ("overrides", {"profile": "variables: {v: profile}, overrides: {v: overrides}"}),
    ("cli", {"overrides": {"v": "cli"}}),
]


def test_of_a_variable_the_stronger_layer_counts(layers: Layers) -> None:
    said: dict[str, Any] = {}
    for value, more in VARIABLES:
        said |= more
        assert layers.load(**said).config.variables["v"] == value


def test_env_vars_of_the_case_are_weaker_than_the_prefix_of_the_command_line(layers: Layers) -> None:
    environ = {"A_V": "a", "B_V": "b"}
    said = {"case": "env_vars: {prefix: A_}", "environ": environ}
    assert layers.load(**said).config.variables == {"v": "a"}  # type: ignore[arg-type]
    assert layers.load(**said, env_prefix="B_").config.variables == {"v": "b"}  # type: ignore[arg-type]


def test_the_project_file_is_merged_below_the_case_to_any_depth(layers: Layers) -> None:
    config = layers.load(
        project="variables: {u: {a: 1, b: {c: 1, d: 1}}, l: [1, 2]}\nheaders: {A: 1, B: 1}\nwebsocket: {port: 1, host: h}\n"
        "retry_policy: {max_attempts: 5, base_delay: 2}\noutput: {path: r.json, include_request: false}",
        case="variables: {u: {b: {d: 2}}, l: [3]}\nheaders: {b: 2}\nwebsocket: {port: 2}\nretry_policy: {base_delay: 3}\n"
        "output: {path: own.json}",
    ).config
    assert config.variables == {"u": {"a": 1, "b": {"c": 1, "d": 2}}, "l": [3]}
    assert config.headers == {"A": 1, "b": 2}
    assert (config.websocket.port, config.websocket.host) == (2, "h")
    assert config.retry == Retry(max_attempts=5, base_delay=3)
    assert (config.output.path, config.output.include_request) == ("own.json", False)


@pytest.mark.parametrize("type_", ["script, script: x = 1", "database, sql: SELECT 1, database: {type: sqlite}"])
def test_the_timeout_of_the_command_line_is_that_of_scripts_and_databases_too(type_: str, layers: Layers) -> None:
    text = f"name: c\nsteps: [{{name: s, timeout: 3, type: {type_}}}]\n"
    path = layers.root / "other.yaml"
    path.write_text(text)
    [step] = load(path, Choices(environ={}, overrides={"timeout": 9})).steps
    assert not step.timeout


@pytest.mark.parametrize("value", ["p${x}w", "a{{b", "{% if", "$${", "${'${'}", "100%", "{{{", ""])
def test_what_comes_from_the_environment_is_text_and_nothing_else(value: str, layers: Layers) -> None:
    written = layers.load(environ={"APP_V": value}, env_prefix="APP_").config.variables["v"]
    assert compile_template(written).render({}) == value


@given(st.text(st.sampled_from("${}%'\"x{ ")))
def test_any_text_can_be_said_literally(text: str) -> None:
    assert compile_template(literal(text)).render({}) == text
