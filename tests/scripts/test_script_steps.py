"""What a script finds, what it gives, and how it is told: through the engine, in real processes."""

from __future__ import annotations

import json
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
import trio
from player import Played, Service, answer, case_of
from player import play as play_to_its_end

from sisyphus.case.load import load
from sisyphus.case.project import Choices


async def play(*cases: Any, **options: Any) -> Played:
    with trio.fail_after(20):
        return await play_to_its_end(*cases, **options)


def a_case(script: str, more: str = "", before: str = "", config: str = "") -> str:
    block = textwrap.indent(textwrap.dedent(script).strip("\n"), "      ")
    rest = textwrap.indent(textwrap.dedent(more).strip("\n"), "    ")
    return (
        f"name: c\nconfig: {{base_url: 'http://api', {config}}}\nsteps:\n{before}"
        f"  - name: s\n    type: script\n    script: |\n{block}\n{rest}\n"
    )


async def run(script: str, more: str = "", **others: Any) -> Played:
    return await play(a_case(script, more, **others))


async def view(script: str, more: str = "", **others: Any) -> Any:
    """What a script that succeeds comes to."""
    step = (await run(script, more, **others)).step_named("s")
    assert (step.status, step.error) == ("success", None)
    return step.response


async def test_its_helpers_read_and_set_variables() -> None:
    played = await run(
        """
        set_var("doubled", get_var("n") * 2)
        set_var("seen", [get_var("doubled"), get_var("none"), get_var("none", 5), sorted(get_all_vars())])
        """,
        config="variables: {n: 2, name: ann}",
    )
    updates = [(data.variable_name, data.variable_value, data.source) for data in played.data("variable_update")]
    assert updates == [("doubled", 4, "step"), ("seen", [4, None, 5, ["doubled", "n", "name"]], "step")]


async def test_the_steps_after_it_see_what_it_set() -> None:
    service = Service()
    text = a_case("set_var('a', 1)\nb = {'c': [2]}\n") + "  - {name: t, url: '/${a}/${b.c[0]}'}\n"
    await play(text, service=service)
    assert [request.url.path for request in service.asked] == ["/1/2"]


async def test_top_level_names_become_variables_if_json_has_them() -> None:
    came = await view(
        """
        import math
        from math import pi
        text, number, nothing, flag, both = "ä", 1, None, True, (1, 2.5)
        nested = {"a": [{"b": None}]}
        _hidden = 1
        class C: pass
        def f(): inner = 1
        f()
        a_set, an_object, odd, infinite, keys = {1}, C(), b"x", math.inf, {1: 2}
        half, circle = "\\ud800", []
        circle.append(circle)
        for i in range(3): pass
        """
    )
    assert came["exported_variables"] == {
        "pi": 3.141592653589793, "text": "ä", "number": 1, "nothing": None, "flag": True, "both": [1, 2.5],
        "nested": {"a": [{"b": None}]}, "i": 2,
    }  # fmt: skip


async def test_a_helper_that_got_another_meaning_is_a_variable_and_one_that_did_not_is_none() -> None:
    came = await view("args = [*args, 3]", "args: [1]")
    assert came["exported_variables"] == {"args": [1, 3]}


@pytest.mark.parametrize(
    ("script", "value"),
    [
        ("1 + 1", 2), ("x = 5", None), ("x = 5\nx", 5), ("result = [1]", [1]), ("return_value = 1\nresult = 2\n3", 1),
        ("{1}", None), ("'no' if args else 'yes'", "yes"), ("print('x')", None), ("", None), ("# nothing", None),
    ],
)  # fmt: skip
async def test_its_value_is_that_of_its_last_line_or_of_a_name(script: str, value: Any) -> None:
    assert (await view(script or "\n"))["return_value"] == value


async def test_arguments_are_rendered_and_stand_in_sys_argv_too() -> None:
    came = await view(
        "import sys\nseen = [args, sys.argv[1:], __name__]\n",
        "args: ['${n}', text, {a: '${n + 1}'}]",
        config="variables: {n: 2}",
    )
    assert came["exported_variables"]["seen"] == [[2, "text", {"a": 3}], ["2", "text", '{"a":3}'], "__main__"]


async def test_the_response_is_that_of_the_step_before() -> None:
    came = await play(
        a_case(
            """
            seen = [response.status_code, response["status_code"], response.json()["a"], response.body, response.text,
                    response.headers["x-YES"], response.headers.get("none"), "X-yes" in response.headers]
            try:
                response.statuscode
            except AttributeError as exc:
                seen.append(str(exc)[:35])
            """,
            before="  - {name: r, url: /}\n",
        ),
        service=Service().will(answer(201, {"a": 1}, X_Yes="1")),
    )
    assert came.step_named("s").response["exported_variables"]["seen"] == [  # type: ignore[index]
        201, 201, 1, {"a": 1}, '{"a": 1}'.replace(" ", ""), "1", None, True, "the response has no 'statuscode', o",
    ]  # fmt: skip


async def test_without_a_step_before_there_is_no_response() -> None:
    assert (await view("response"))["return_value"] is None


async def test_its_result_is_the_response_of_its_checks_and_of_the_next_step() -> None:
    played = await play(
        a_case(
            "print('hi')\ntotal = 3\ntotal + 1", "validations: [{eq: [$.return_value, 4]}, {contains: [$.output, hi]}]"
        )
        + "  - {name: t, type: print, message: '${response.exported_variables.total}'}\n"
    )
    assert [check.status for check in played.step_named("s").checks] == ["passed", "passed"]
    assert played.step_named("t").response == {"output": "3"}


async def test_what_it_logs_is_told_while_it_runs() -> None:
    text = a_case("import time\nlog('a', 1)\nlog('b', level='error')\ntime.sleep(20)", "timeout: 15")
    levels: list[tuple[str, str]] = []
    scope = trio.CancelScope()

    def listen(event: Any) -> None:
        if event.data.type == "log" and event.data.message in {"a 1", "b"}:
            levels.append((event.data.level, event.step_name))
        if len(levels) == 2:
            scope.cancel()

    await play(text, scope=scope, on_event=listen)
    assert levels == [("info", "s"), ("error", "s")]


async def test_more_messages_than_anyone_reads_are_counted_only() -> None:
    step = (await run("for i in range(1003): log(i)")).step_named("s")
    assert step.warnings == ("3 log messages over the limit of 1000 were left out",)
    assert step.status == "success"


FAILURES = [
    ("assert 1 == 2, 'not so'", "failure", "c.yaml:7: not so"),
    ("x = 1\nassert x == 2", "failure", "c.yaml:8: assert x == 2"),
    ("def f(n):\n    assert n, f'n is {n}'\n\nf(0)", "failure", "c.yaml:8: n is 0"),
    ("class Mine(AssertionError): pass\nraise Mine('own')", "failure", "c.yaml:8: own"),
    ("1 / 0", "error", "c.yaml:7: ZeroDivisionError: division by zero"),
    ("{}['id']", "error", "c.yaml:7: KeyError: 'id'"),
    ("def f():\n    g()\ndef g():\n    raise OSError\nf()", "error", "c.yaml:10: OSError"),
    ("import json\n\njson.loads('{')", "error", "c.yaml:9: JSONDecodeError: Expecting property name"),
    ("def f(): f()\nf()", "error", "c.yaml:7: RecursionError: maximum recursion depth exceeded"),
    ("class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd", "error", "c.yaml:9: Odd: <Odd>"),
    ("raise KeyboardInterrupt", "error", "c.yaml:7: KeyboardInterrupt"),
    ("raise BaseException('b')", "error", "c.yaml:7: BaseException: b"),
    ("import sys\nsys.exit(3)", "error", "c.yaml:8: the script ended by sys.exit(3)"),
    ("import sys\nsys.exit('bad')", "error", "c.yaml:8: the script ended by sys.exit('bad')"),
    ("import os\nos._exit(3)", "error", "its process ended with exit code 3 before the script did"),
    ("import os\nos._exit(0)", "error", "its process ended with exit code 0 before the script did"),
    ("import os\nos.kill(os.getpid(), 9)", "error", "its process was ended by SIGKILL"),
    ("import os\nos.kill(os.getpid(), 15)", "error", "its process was ended by SIGTERM"),
    ("import os\nos.abort()", "error", "its process was ended by SIGABRT"),
    ("x = bytearray(3 * 2**30)", "error", "c.yaml:7: MemoryError"),
    ("input()", "error", "c.yaml:7: EOFError"),
    ("set_var('a b', 1)", "error", "c.yaml:7: ValueError: 'a b' cannot be the name of a variable"),
    ("set_var('a', {1})", "error", "c.yaml:7: TypeError: the variable 'a' cannot have this value: JSON has no set"),
    ("set_var('a', float('nan'))", "error", "c.yaml:7: TypeError: the variable 'a' cannot"),
    ("log('x', level='loud')", "error", "c.yaml:7: ValueError: there is no level 'loud', only debug, info"),
    ("import requests", "error", "c.yaml:7: ImportError: the script may not import 'requests': allow_imports does"),
    ("from .a import b", "error", "c.yaml:7: ImportError"),
    ("set_var('a', 'x' * (17 * 2**20))", "error", "it said more than 16 MiB (variables and log messages)"),
]


@pytest.mark.parametrize(
    ("script", "status", "message"), FAILURES, ids=[repr(script)[:40] for script, _, _ in FAILURES]
)
async def test_how_a_script_fails(script: str, status: str, message: str) -> None:
    case = case_of(a_case(script))
    step = (await play(case)).step_named("s")
    assert step.error is not None
    assert (step.status, step.error.message.replace("<text>", "c.yaml")[: len(message)]) == (status, message)
    assert step.response is not None


async def test_a_script_that_fails_shows_what_it_printed_and_keeps_what_it_set() -> None:
    played = await run("print('before')\nset_var('a', 1)\nb = 2\n1 / 0", "validations: [{eq: [$.return_value, 1]}]")
    step = played.step_named("s")
    assert step.error is not None
    assert (step.error.type, step.checks) == ("ScriptError", ())
    assert step.response is not None
    assert (step.response["output"], step.response["exported_variables"]) == ("before\n", {"a": 1})


@pytest.mark.parametrize(
    "script", ["import sys\nx = 1\nsys.exit()", "import sys\nx = 1\nsys.exit(0)", "x = 1\nraise SystemExit"]
)
async def test_an_exit_that_says_all_is_well_is_an_end(script: str) -> None:
    assert (await view(script))["exported_variables"] == {"x": 1}


async def test_a_retry_may_name_pythons_exceptions() -> None:
    retry = "retry_policy: {max_attempts: 2, base_delay: 0.01, retry_on: [%s]}"
    for named, attempts in (("LookupError", 3), ("KeyError", 3), ("OSError", 1), ("ScriptError", 3)):
        step = (await run("{}['id']", retry % named)).step_named("s")
        assert (named, len(step.attempts)) == (named, attempts)


@pytest.mark.parametrize(
    ("imports", "script", "fine"),
    [
        ("allow_imports: [json]", "import json", True),
        ("allow_imports: [xml]", "import xml.etree.ElementTree as e", True),
        ("allow_imports: [xml.etree]", "from xml import etree", True),
        ("allow_imports: [xml.etree]", "import xml.dom", False),
        ("allow_imports: [json]", "import os", False),
        ("allow_imports: false", "import json", False),
        ("", "import json, os.path", True),
        ("", "import attrs", False),
        ("allow_imports: true", "import attrs", True),
        ("allow_imports: [attrs]", "import attrs", True),
        ("allow_imports: true", "import no_such_module", False),
    ],
)
async def test_what_it_may_import(imports: str, script: str, fine: bool) -> None:
    step = (await run(script, imports)).step_named("s")
    assert (step.status == "success") == fine
    if not fine:
        assert step.error is not None
        assert step.error.message.startswith("<text>:")
        assert f"'{script.rsplit(maxsplit=1)[-1]}'" in step.error.message


def a_project(folder: Path, case: str, **files: str) -> Any:
    for name, content in files.items():
        (folder / f"{name}.py").write_text(content, encoding="utf-8")
    file = folder / "c.yaml"
    file.write_text(case, encoding="utf-8")
    return load(file, Choices(environ={}))


FILE = "name: c\nconfig: {variables: {which: a}}\nsteps: [{name: s, type: script, script_file: '%s', allow_imports: true}]\n"


async def test_a_script_in_a_file_knows_its_own_lines_and_its_neighbours(tmp_path: Path) -> None:
    case = a_project(tmp_path, FILE % "${which}.py", a="import helper\n\nassert helper.two == 3\n", helper="two = 2\n")
    step = (await play(case)).step
    assert (step.status, step.error and step.error.message) == ("failure", f"{tmp_path}/a.py:3: assert helper.two == 3")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("${which}b.py", "ab.py:1:5: this is not Python: invalid syntax"),
        ("no-${which}.py", "the file no-a.py does not exist"),
        ("../${which}.py", "../a.py is outside the project's folder"),
        ("./${which[1:]}", "the file ./ does not exist"),
    ],
)
async def test_a_file_that_is_none(path: str, message: str, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "a.py").write_text("x = 1")
    step = (await play(a_project(inner, FILE % path, ab="x = \n"))).step
    assert step.error is not None
    assert message in step.error.message


async def test_a_file_of_the_project_is_called_what_it_is(tmp_path: Path) -> None:
    (tmp_path / ".sisyphus").mkdir()
    (tmp_path / "far.py").write_text("assert False", encoding="utf-8")
    inner = tmp_path / "inner"
    inner.mkdir()
    step = (await play(a_project(inner, FILE % "far.py"))).step
    assert step.error is not None
    assert step.error.message == f"{tmp_path}/far.py:1: assert False"


async def test_names_of_rounds_and_of_the_step_are_variables_too() -> None:
    came = await view("[get_var('own'), 'config' in get_all_vars()]", "variables: {own: 5}")
    assert came["return_value"] == [5, False]


async def test_it_may_be_a_hook() -> None:
    played = await play(
        """
        name: c
        setup: {type: code, code: "set_var('n', 1)"}
        steps:
          - name: s
            type: print
            message: ${n}
            teardown: {type: script, script: "log('down')"}
        """
    )
    assert played.step_named("s").response == {"output": "1"}
    assert "down" in played.logs("info")


async def test_nothing_of_the_engines_environment_reaches_it(
    monkeypatch: pytest.MonkeyPatch, scripts_folder: Path
) -> None:
    monkeypatch.setenv("SECRET", "s3cret")
    came = await view(
        "import os\nenviron, where, fds = dict(os.environ), os.getcwd(), len(os.listdir('/proc/self/fd'))\n"
        "open('file', 'w').write('x')"
    )
    seen = came["exported_variables"]
    assert Path(seen["where"]).parent == scripts_folder
    assert seen["environ"] == {"PATH": os.defpath, "HOME": seen["where"], "TMPDIR": seen["where"], "LANG": "C.UTF-8"}
    assert seen["fds"] <= 6  # its three streams, the channel, and the folder it lists


async def test_the_view_is_json(tmp_path: Path) -> None:
    came = await view("print('x')")
    assert sorted(json.loads(json.dumps(came))) == ["elapsed", "exported_variables", "output", "return_value", "stderr"]


async def test_a_timeout_beyond_what_the_system_counts_is_none() -> None:
    assert (await view("x = 1", 'timeout: "${10 ** 30}"'))["exported_variables"] == {"x": 1}
