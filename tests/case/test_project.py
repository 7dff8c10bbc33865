"""What the project file, the case, its profile, the environment and the command line say together."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from loading import case, config, problem, problems

from sisyphus.case.load import load, load_all, loads
from sisyphus.case.model import Case, Retry, Step, WebSocket
from sisyphus.case.project import Choices, project_root
from sisyphus.errors import CaseFileError, UsageError

PROFILES = """
active_profile: dev
base_url: http://case
timeout: 5
headers: {X-Case: 1, X-Both: case}
variables: {a: case, b: case}
profiles:
  dev:
    base_url: http://dev
    timeout: 7
    verify_ssl: false
    headers: {X-Both: dev}
    variables: {b: dev}
    region: eu
  empty:
  own: {region: us}
  v2:
    prod: {base_url: http://v2}
    deep: {er: {base_url: http://deeper}}
"""


def test_the_active_profile_wins_over_the_case() -> None:
    loaded = config(PROFILES)
    assert (loaded.base_url, loaded.timeout, loaded.verify_ssl) == ("http://dev", 7, False)
    assert loaded.headers == {"X-Case": 1, "X-Both": "dev"}
    assert loaded.variables == {"a": "case", "b": "dev"}
    assert loaded.profile == "dev"
    assert loaded.profile_values["region"] == "eu"


def test_templates_read_the_settings_that_are_in_force() -> None:
    raw = config(PROFILES, overrides={"timeout": 9}).raw
    assert (raw["base_url"], raw["timeout"], raw["headers"]["X-Both"]) == ("http://dev", 9, "dev")
    assert raw["profiles"]["dev"]["region"] == "eu"


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("dev", "http://dev"),
        ("empty", "http://case"),
        ("own", "http://case"),
        ("v2.prod", "http://v2"),
        ("v2.deep.er", "http://deeper"),
    ],
)
def test_a_profile_is_chosen_by_name_through_its_groups(name: str, base_url: str) -> None:
    loaded = config(PROFILES, profile=name)
    assert (loaded.profile, loaded.base_url) == (name, base_url)


def test_a_dot_may_be_part_of_a_profiles_name() -> None:
    assert config("profiles: {a.b: {base_url: http://ab}}", profile="a.b").base_url == "http://ab"


@pytest.mark.parametrize(
    ("choices", "chosen"),
    [
        ({}, "dev"),
        ({"environ": {"SISYPHUS_PROFILE": "own"}}, "own"),
        ({"environ": {"SISYPHUS_PROFILE": ""}}, "dev"),
        ({"environ": {"SISYPHUS_PROFILE": "own"}, "overrides": {"active_profile": "empty"}}, "empty"),
        ({"environ": {"SISYPHUS_PROFILE": "own"}, "profile": "v2.prod"}, "v2.prod"),
    ],
)
def test_the_command_line_chooses_before_the_environment_before_the_file(choices: dict[str, Any], chosen: str) -> None:
    assert config(PROFILES, **choices).profile == chosen


KNOWN = "known profiles: dev, empty, own, v2.prod, v2.deep.er"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"profile": "prod"}, f"--profile: unknown profile 'prod' (did you mean 'v2.prod'? {KNOWN})"),
        ({"profile": "ownn"}, f"--profile: unknown profile 'ownn' (did you mean 'own'? {KNOWN})"),
        ({"profile": "v2"}, f"--profile: unknown profile 'v2' ({KNOWN})"),
        ({"profile": "dev.x"}, f"--profile: unknown profile 'dev.x' (did you mean 'dev'? {KNOWN})"),
        ({"environ": {"SISYPHUS_PROFILE": "qa"}}, f"SISYPHUS_PROFILE: unknown profile 'qa' ({KNOWN})"),
    ],
)
def test_an_unknown_profile_says_which_are_known(choices: dict[str, Any], message: str) -> None:
    text = "name: c\nsteps: []\nconfig:\n" + textwrap.indent(PROFILES, "  ")
    assert problem(text, **choices) == f"11:5: {message}"


def test_profiles_that_are_wrong_themselves_are_not_unknown_too() -> None:
    text = "name: c\nconfig:\n  active_profile: dev\n  profiles: {dv: 5}\nsteps: []\n"
    assert problem(text).startswith("4:18: the profile 'dv' must be a mapping")


def test_an_unknown_active_profile_stands_where_it_is_written() -> None:
    text = "name: c\nconfig:\n  active_profile: qa\n  profiles: {dev: {}}\nsteps: []\n"
    assert problem(text) == "3:19: active_profile: unknown profile 'qa' (known profiles: dev)"


def test_a_profile_for_a_case_that_has_none_is_unknown() -> None:
    assert problem("name: c\nsteps: []\n", profile="dev").endswith(
        "--profile: unknown profile 'dev' (the case has no profiles)"
    )


def test_every_profile_is_checked_not_only_the_active_one() -> None:
    assert problems(
        """\
        name: c
        config:
          profiles:
            a: 5
            b: {timeout: soon, variables: [x], headers: {"b c": 1}}
            g: {h: {verify_ssl: maybe}}
        steps: []
        """
    ) == [
        "4:8: the profile 'a' must be a mapping, got a number (write for example a: {base_url: http://localhost})",
        "5:18: timeout: expected a number, got text 'soon'",
        "5:35: variables: expected a mapping, got a list",
        "5:50: 'b c' cannot be the name of a header",
        "6:25: verify_ssl: expected true or false, got text 'maybe'",
    ]


VARIABLES = """
name: c
config:
  variables: {v: case}
  profiles:
    dev: {variables: {v: profile}}
    over: {variables: {v: profile}, overrides: {v: profile's overrides}}
  env_vars: {prefix: APP_}
steps: []
"""


@pytest.mark.parametrize(
    ("choices", "value"),
    [
        ({}, "case"),
        ({"profile": "dev"}, "profile"),
        ({"profile": "dev", "environ": {"APP_V": "environment"}}, "environment"),
        ({"profile": "over", "environ": {"APP_V": "environment"}}, "profile's overrides"),
        ({"profile": "over", "environ": {"APP_V": "environment"}, "overrides": {"v": "command line"}}, "command line"),
    ],
)
def test_variables_have_an_order_of_precedence(choices: dict[str, Any], value: str) -> None:
    assert case(VARIABLES, **choices).config.variables["v"] == value


def test_variables_are_merged_to_any_depth() -> None:
    text = "{variables: {u: {name: a, age: 1}}, profiles: {p: {variables: {u: {name: b}}}}}"
    assert config(text, profile="p").variables == {"u": {"name": "b", "age": 1}}


@pytest.mark.parametrize(
    ("env_vars", "env_prefix", "variables"),
    [
        ("{prefix: APP_}", None, {"user": "alice", "n": "1"}),
        ("{prefix: APP_, load_from_os: false}", None, {}),
        ("{prefix: APP_, overrides: {n: 2}}", None, {"user": "alice", "n": 2}),
        ("{overrides: {n: 2}}", None, {"n": 2}),
        ("{load_from_os: true}", None, {}),
        ("", "OTHER_", {"n": "5"}),
        ("{prefix: APP_}", "OTHER_", {"user": "alice", "n": "5"}),
        ("{prefix: APP_, load_from_os: false}", "OTHER_", {"n": "5"}),
    ],
)
def test_variables_come_from_the_environment_by_prefix(
    env_vars: str, env_prefix: str | None, variables: dict[str, Any]
) -> None:
    environ = {"APP_USER": "alice", "APP_N": "1", "APP_": "nothing", "OTHER_N": "5", "PATH": "/bin"}
    assert config(f"env_vars: {env_vars}", environ=environ, env_prefix=env_prefix).variables == variables


OVERRIDES: list[tuple[dict[str, Any], str, Any]] = [
    ({"a": 2}, "variables", {"a": 2, "u": {"name": "x", "age": 1}, "seed": 1}),
    ({"u.name": "y"}, "variables", {"a": 1, "u": {"name": "y", "age": 1}, "seed": 1}),
    ({"variables.u.name": "y"}, "variables", {"a": 1, "u": {"name": "y", "age": 1}, "seed": 1}),
    ({"config.variables.u.name": "y"}, "variables", {"a": 1, "u": {"name": "y", "age": 1}, "seed": 1}),
    ({"new.inner": True}, "variables", {"a": 1, "u": {"name": "x", "age": 1}, "seed": 1, "new": {"inner": True}}),
    ({"timeout": 9}, "timeout", 9),
    ({"timeout": None}, "timeout", None),
    ({"config.timeout": 9}, "timeout", 9),
    ({"base_url": "http://o"}, "base_url", "http://o"),
    ({"verify_ssl": False}, "verify_ssl", False),
    ({"headers.X-B": 2}, "headers", {"X-A": 1, "X-B": 2}),
    ({"headers": {"X-B": 2}}, "headers", {"X-A": 1, "X-B": 2}),
    ({"websocket.port": 1, "websocket.enabled": True}, "websocket", WebSocket(enabled=True, host="h", port=1)),
    ({"websocket": {"port": 1}}, "websocket", WebSocket(host="h", port=1)),
    ({"retry_times": 3}, "retry", Retry(max_attempts=3, max_delay=10)),
    ({"retry_policy.strategy": "fixed"}, "retry", Retry(strategy="fixed")),
    ({"retry_policy": {"retry_on": ["timeout"]}}, "retry", Retry(retry_on=("timeout",))),
    ({"retry_policy": {"retry_on": ("tls", "dns")}}, "retry", Retry(retry_on=("tls", "dns"))),
    ({"config.seed": 5}, "seed", 5),
    ({"seed": 5}, "variables", {"a": 1, "u": {"name": "x", "age": 1}, "seed": 5}),  # there is a variable of the name
    ({"config.name": "n"}, "name", "n"),
]


@pytest.mark.parametrize(("overrides", "field", "value"), OVERRIDES)
def test_an_override_sets_a_variable_or_a_key_of_config(overrides: dict[str, Any], field: str, value: Any) -> None:
    text = "{variables: {a: 1, u: {name: x, age: 1}, seed: 1}, headers: {X-A: 1}, websocket: {host: h}}"
    assert getattr(config(text, overrides=overrides), field) == value


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"timeout": "soon"}, "--override: timeout: expected a number, got text 'soon'"),
        ({"websocket.port": 70000}, "--override: port: must be at most 65535, got 70000"),
        ({"config.timout": 5}, "--override: unknown key 'timout' in config (did you mean 'timeout'?)"),
        ({"timeout": Path("x")}, "--override: timeout: expected a number, got PosixPath"),
        ({"websocket": True}, "--override: websocket must be a mapping, got a boolean"),
        ({"retry_times": -1}, "--override: retry_times: must be at least 0, got -1"),
    ],
)
def test_a_wrong_override_is_no_fault_of_the_file(overrides: Mapping[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("name: c\nsteps: [{name: s, url: /, retry_times: 1}]\n")
    for loading in (
        lambda: load(path, Choices(overrides=overrides)),
        lambda: case(path.read_text(), overrides=overrides),
    ):
        with pytest.raises(UsageError) as caught:
            loading()
        assert str(caught.value).split(" (write")[0] == message


SAYING_ALL = "{timeout: 2, verify_ssl: true, allow_redirects: true, headers: {x-a: step, X-B: step}, retry_times: 1}"


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, (2, True, True, {"x-a": "step", "X-B": "step"}, Retry(max_attempts=1, max_delay=10))),
        ({"timeout": 9}, (None, True, True, {"x-a": "step", "X-B": "step"}, Retry(max_attempts=1, max_delay=10))),
        (
            {"verify_ssl": False, "follow_redirects": False},
            (2, None, None, {"x-a": "step", "X-B": "step"}, Retry(max_attempts=1, max_delay=10)),
        ),
        ({"headers.X-A": "o"}, (2, True, True, {"X-B": "step"}, Retry(max_attempts=1, max_delay=10))),
        ({"retry_times": 7}, (2, True, True, {"x-a": "step", "X-B": "step"}, Retry(max_attempts=7, max_delay=10))),
        (
            {"retry_policy.base_delay": 3},
            (2, True, True, {"x-a": "step", "X-B": "step"}, Retry(max_attempts=1, base_delay=3)),
        ),
    ],
)
def test_the_command_line_wins_over_the_step(overrides: dict[str, Any], expected: tuple[Any, ...]) -> None:
    inner = SAYING_ALL.strip("{}")
    (step,) = case(f"name: c\nsteps:\n  - {{name: s, url: /, {inner}}}\n", overrides=overrides).steps
    spec: Any = step.spec
    timeout = step.timeout or None
    assert (timeout, spec.verify_ssl, spec.follow_redirects, spec.headers, step.retry) == expected


def test_an_override_of_the_timeout_does_not_touch_waits() -> None:
    (step,) = case("name: c\nsteps: [{name: w, type: wait, seconds: 1, timeout: 3}]\n", overrides={"timeout": 9}).steps
    assert step.timeout == 3


class Project:
    """A folder with a project file and a case two folders below it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.case = self.file("cases/deep/c.yaml", "name: c\nsteps: []\n")

    def file(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def load(self, project: str, config: str = "{}", steps: str = "[]", **choices: Any) -> Case:
        self.file(".sisyphus/config.yaml", project)
        self.case.write_text(f"name: c\nsteps: {steps}\nconfig:\n" + textwrap.indent(textwrap.dedent(config), "  "))
        return load(self.case, Choices(environ={}, **choices))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_the_project_file_is_found_upward_and_merged_below_the_case(project: Project) -> None:
    loaded = project.load(
        "base_url: http://p\ntimeout: 3\nvariables: {a: p, u: {x: 1, y: 1}}\nheaders: {A: p, B: p}\n",
        "timeout: 4\nvariables: {u: {y: 2}}\nheaders: {B: c}\n",
    )
    assert loaded.root == str(project.root)
    assert (loaded.config.base_url, loaded.config.timeout) == ("http://p", 4)
    assert loaded.config.variables == {"a": "p", "u": {"x": 1, "y": 2}}
    assert loaded.config.headers == {"A": "p", "B": "c"}


def test_a_project_file_may_begin_with_config(project: Project) -> None:
    assert project.load("config: {base_url: http://p}\n").config.base_url == "http://p"


@pytest.mark.parametrize("text", ["", "# nothing yet\n\n"])
def test_an_empty_project_file_says_nothing(project: Project, text: str) -> None:
    assert project.load(text).config.base_url is None


def test_a_project_file_that_cannot_be_read_is_left_to_the_reader(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_options: object) -> str:
        raise PermissionError

    monkeypatch.setattr(Path, "read_text", refuse)
    assert project.load("base_url: http://p\n").config.base_url == "http://p"


def test_null_in_the_case_takes_back_what_the_project_says(project: Project) -> None:
    assert project.load("timeout: 3\n", "timeout:\n").config.timeout is None


def test_profiles_mock_server_and_websocket_are_merged_key_by_key(project: Project) -> None:
    loaded = project.load(
        """\
        profiles: {dev: {base_url: http://p, timeout: 1}, qa: {timeout: 2}}
        websocket: {host: p, port: 1}
        mock_server: {port: 81, routes: [{path: /p}]}
        """,
        "active_profile: dev\nprofiles: {dev: {timeout: 9}}\nwebsocket: {port: 2}\nmock_server: [{path: /c}]\n",
    ).config
    assert (loaded.base_url, loaded.timeout) == ("http://p", 9)
    assert loaded.websocket == WebSocket(host="p", port=2)
    assert loaded.mock_server is not None
    assert (loaded.mock_server.port, [route.path for route in loaded.mock_server.routes]) == (81, ["/c"])


@pytest.mark.parametrize(
    ("in_project", "in_case", "retry"),
    [
        ("retry_times: 5", "{}", Retry(max_attempts=5, max_delay=10)),
        ("retry_times: 5", "retry_times: 1", Retry(max_attempts=1, max_delay=10)),
        ("retry_policy: {max_attempts: 5, strategy: fixed}", "retry_times: 1", Retry(max_attempts=1, strategy="fixed")),
        ("retry_times: 5", "retry_policy: {max_attempts: 1}", Retry(max_attempts=1)),
        ("retry_policy: {strategy: fixed}", "retry_policy: {base_delay: 3}", Retry(strategy="fixed", base_delay=3)),
        ("retry_policy: {base_delay: 3}", "retry_delay: 500", Retry(strategy="fixed", base_delay=0.5)),
    ],
)
def test_retries_are_merged_setting_by_setting(project: Project, in_project: str, in_case: str, retry: Retry) -> None:
    assert project.load(in_project, in_case).config.retry == retry


def test_settings_have_an_order_of_precedence(project: Project) -> None:
    def timeout(step: str = "", **choices: Any) -> Any:
        loaded = project.load(
            "timeout: 1\n", "timeout: 2\nprofiles: {p: {timeout: 3}}\n", f"[{{name: s, url: /{step}}}]", **choices
        )
        own = loaded.steps[0].timeout
        return own or loaded.config.timeout

    assert timeout() == 2
    assert timeout(profile="p") == 3
    assert timeout(", timeout: 4", profile="p") == 4
    assert timeout(", timeout: 4", profile="p", overrides={"timeout": 5}) == 5
    assert project.load("timeout: 1\n").config.timeout == 1


def test_the_nearest_project_counts(project: Project) -> None:
    project.file("cases/.sisyphus/config.yaml", "base_url: http://inner\n")
    assert project.load("base_url: http://outer\n").config.base_url == "http://inner"
    assert project_root(project.case) == project.root / "cases"


def test_without_a_project_the_root_is_the_cases_own_folder(tmp_path: Path) -> None:
    assert project_root(tmp_path / "c.yaml") == tmp_path


def test_problems_of_the_project_file_are_told_once_and_with_its_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.root)
    project.file(".sisyphus/config.yaml", "timout: 3\nseed: x\nvariables: {a: '${'}\n")
    project.file("cases/deep/d.yaml", "name: d\nsteps: [{url: /}]\n")
    with pytest.raises(CaseFileError) as caught:
        load_all(["cases"], Choices(environ={}))
    assert [str(p) for p in caught.value.problems] == [
        ".sisyphus/config.yaml:1:1: unknown key 'timout' in config (did you mean 'timeout'?)",
        ".sisyphus/config.yaml:2:7: seed: expected a whole number, got text 'x'",
        ".sisyphus/config.yaml:3:16: '${' is not closed by '}': ${",
        "cases/deep/d.yaml:2:9: a step needs a name (write for example name: Log in)",
    ]


def test_a_broken_project_file_is_told_with_its_place(project: Project) -> None:
    with pytest.raises(CaseFileError) as caught:
        project.load("a: [1\n")
    assert "config.yaml:" in str(caught.value)


def test_text_has_the_project_of_the_current_folder(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.file(".sisyphus/config.yaml", "base_url: http://p\n")
    monkeypatch.chdir(project.case.parent)
    loaded = loads("name: c\nsteps: []\n", choices=Choices(environ={}))
    assert (loaded.config.base_url, loaded.root) == ("http://p", str(project.root))


def test_steps_get_no_more_than_they_say() -> None:
    (step,) = case("name: c\nconfig: {timeout: 1, headers: {A: 1}}\nsteps: [{name: s, url: /}]\n").steps
    assert isinstance(step, Step)
    assert step.spec.headers is None  # type: ignore[union-attr]
