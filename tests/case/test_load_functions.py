"""Functions that a project or an installed package brings: known before anything runs, and so is what is wrong with them."""

from __future__ import annotations

import importlib
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from sisyphus.case import functions
from sisyphus.case.load import load, load_all
from sisyphus.case.mock_file import load_mock
from sisyphus.case.model import Case
from sisyphus.case.project import Choices
from sisyphus.errors import CaseFileError, Mark


class Project:
    """A folder with `.sisyphus/functions.py` and a case that uses a template."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def file(self, name: str, text: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(textwrap.dedent(text).encode() if isinstance(text, str) else text)
        return path

    def load(self, source: str | bytes, template: str = "text") -> Case:
        self.file(".sisyphus/functions.py", source)
        case = self.file("c.yaml", f"name: c\nsteps:\n  - {{name: s, url: '{template}'}}\n")
        return load(case, Choices(environ={}))

    def problems(self, source: str | bytes, template: str = "text") -> list[str]:
        with pytest.raises(CaseFileError) as caught:
            self.load(source, template)
        return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)


def test_every_public_function_of_the_file_can_be_called(project: Project) -> None:
    case = project.load(
        """\
        import json
        from json import dumps
        from functools import wraps

        CONSTANT = 5

        def one(): ...

        two = lambda: 2

        def decorating(function):
            @wraps(function)
            def inner(): return function()
            return inner

        @decorating
        def three(): ...

        class Four: ...

        def _five(): ...
        """,
        "${one()}${two()}${three()}",
    )
    assert sorted(case.functions) == ["decorating", "one", "three", "two"]
    assert case.functions["one"].where == Mark(".sisyphus/functions.py", 7, 1)
    assert case.functions["three"].where.line in {16, 17}  # of the decorator, or of the function: by version of Python
    assert case.functions["two"].call() == 2
    assert case.warnings == ()


def test_a_function_that_does_not_exist_is_told_with_the_nearest(project: Project) -> None:
    assert project.problems("def greet(): ...", "${gret()}") == [
        f"{project.root}/c.yaml:3:20: there is no function 'gret' (did you mean 'greet'?)"
    ]


def test_a_function_of_another_project_is_not_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one, other = Project(tmp_path / "one"), Project(tmp_path / "other")
    one.load("def greet(): return 1", "${greet()}")
    other.file(".sisyphus/functions.py", "def leave(): return 2")
    other.file("c.yaml", "name: c\nsteps: [{name: s, url: '${greet()}'}]\n")
    with pytest.raises(CaseFileError, match="no function 'greet'"):
        load_all(["one", "other"], Choices(environ={}))


def test_conditions_and_settings_may_call_them_too(project: Project) -> None:
    project.file(".sisyphus/functions.py", "def ready(): return True\n")
    project.file(".sisyphus/config.yaml", "variables: {v: '${ready()}'}\n")
    case = project.file("c.yaml", "name: c\nsteps: [{name: s, url: /, only_if: ready() and v}]\n")
    assert "ready" in load(case, Choices(environ={})).functions


MOCK = "{routes: [{path: /a, condition: known(), response: {body: '${greet(request.path)}'}}]}"


@pytest.mark.parametrize(
    "text", [f"name: c\nconfig: {{mock_server: {MOCK}}}\nsteps: []\n", f"mock_server: {MOCK}\n", MOCK[1:-1]]
)
def test_a_mock_server_may_call_them_too(text: str, project: Project) -> None:
    project.file(".sisyphus/functions.py", "def greet(): ...\ndef known(): ...\n")
    path = project.file("m.yaml", text)
    assert sorted(load_mock(path, Choices(environ={})).functions) == ["greet", "known"]
    wrong = project.file("wrong.yaml", text.replace("greet", "gret"))
    with pytest.raises(CaseFileError, match="'gret'"):
        load_mock(wrong, Choices(environ={}))


def test_a_built_in_function_may_be_replaced_and_that_is_told(project: Project) -> None:
    case = project.load("\ndef uuid(): return 1\n", "${uuid()}")
    assert case.functions["uuid"].call() == 1
    assert case.warnings == (".sisyphus/functions.py:2:1: 'uuid' replaces the built-in function of that name",)


def test_modules_that_stand_beside_it_can_be_imported(project: Project) -> None:
    project.file(".sisyphus/a_helper_of_this_test.py", "X = 7\n")
    case = project.load("from a_helper_of_this_test import X\ndef seven(): return X\n")
    assert case.functions["seven"].call() == 7
    assert str(project.root / ".sisyphus") not in sys.path


def test_it_leaves_no_compiled_file_behind(project: Project) -> None:
    project.load("def one(): ...")
    assert [path.name for path in (project.root / ".sisyphus").iterdir()] == ["functions.py"]


def test_what_it_prints_is_not_in_the_way_of_a_document(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.load("print('loaded')")
    assert capsys.readouterr() == ("", "loaded\n")


def test_it_is_run_once_for_all_cases_of_a_project(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.load("print('loaded')")
    for name in ("a", "b"):
        project.file(f"{name}.yaml", f"name: {name}\nsteps: []\n")
    capsys.readouterr()
    load_all(["."], Choices(environ={}))
    assert capsys.readouterr().err == "loaded\n"


def test_classes_of_the_file_know_their_module(project: Project) -> None:
    case = project.load(
        """\
        from dataclasses import dataclass, asdict

        @dataclass
        class User:
            name: "str" = "Ann"

        def user(): return asdict(User())
        """
    )
    assert case.functions["user"].call() == {"name": "Ann"}


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(:\n", "1:7: SyntaxError: "),
        ("def f():\nreturn 1\n", "2:1: IndentationError: expected an indented block after function definition on line 1"),
        ("x = 1\nx / 0\n", "2:1: ZeroDivisionError: division by zero"),
        ("def f():\n    return g()\ndef g():\n    raise ValueError('bad')\nf()\n", "4:1: ValueError: bad"),
        ("import json\njson.loads('{')\n", "2:1: JSONDecodeError: "),
        ("open('missing.txt')\n", "1:1: FileNotFoundError: [Errno 2] No such file or directory: 'missing.txt'"),
        ("import sys\nsys.exit(3)\n", "2:1: it ends the process (sys.exit) (functions.py only defines functions)"),
        ("import no_such_module_x\n", "1:1: ModuleNotFoundError: No module named 'no_such_module_x' (install it for "),
        (b"x = 1\x00\n", "1:1: "),
        (b"x = '\xff'\n", "1:"),
        ("def f(): return f()\nf()\n", "1:1: RecursionError: maximum recursion depth exceeded"),
        ("async def f(): ...\n", "1:1: 'f' is async, and templates cannot wait (write it without async)"),
        ("\ndef response(): ...\n", "2:1: 'response' means something else in templates (call the function something else)"),
        ("raise BaseExceptionGroup('all', [ValueError()])\n", "1:1: ExceptionGroup: all (1 sub-exception)"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_told_with_its_place_and_without_a_traceback(
    source: str | bytes, told: str, project: Project
) -> None:
    [only] = project.problems(source, "${anything()}")  # which it might have defined
    assert only.startswith(f".sisyphus/functions.py:{told}")
    assert "\n" not in only


def test_a_file_that_cannot_be_read_is_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert project.problems("") == [".sisyphus/functions.py:1:1: cannot be read: Permission denied"]


# --- installed packages ----------------------------------------------------------------------------------------------


class Site:
    """A folder on `sys.path` with installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, name: str, module: str, source: str, **points: str) -> None:
        """A distribution as pip leaves it: its module, its metadata, its entry points."""
        (self.folder / f"{module}.py").write_text(textwrap.dedent(source))
        info = self.folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "".join(f"{point} = {value}\n" for point, value in points.items())
        (info / "entry_points.txt").write_text(f"[sisyphus.functions]\n{lines}")


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(folder)
    functions._installed.cache_clear()
    functions._loaded.cache_clear()
    yield Site(folder)
    functions._installed.cache_clear()
    functions._loaded.cache_clear()
    for name in [name for name in sys.modules if name.startswith("a_plugin")]:
        del sys.modules[name]
    importlib.invalidate_caches()


def test_a_function_of_an_installed_package_can_be_called(project: Project, site: Site) -> None:
    site.install("signing", "a_plugin", "\ndef sign(text): return text + '!'\n", sign="a_plugin:sign")
    case = project.load("", "${sign(1)}")
    assert case.functions["sign"].call("x") == "x!"
    assert case.functions["sign"].where == Mark("signing", 2, 1)


def test_a_package_is_not_imported_unless_its_function_is_called(project: Project, site: Site) -> None:
    site.install("signing", "a_plugin", "raise RuntimeError", sign="a_plugin:sign")
    assert project.load("", "${uuid()}").functions == {}
    assert "a_plugin" not in sys.modules


def test_packages_are_not_looked_through_if_all_names_are_known(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look() -> object:
        raise AssertionError

    monkeypatch.setattr(functions, "_installed", look)
    project.load("def own(): ...", "${uuid()} ${own()} ${range(3)}")


def test_the_projects_function_and_the_built_in_one_win(project: Project, site: Site) -> None:
    site.install("signing", "a_plugin", "raise RuntimeError", sign="a_plugin:sign", uuid="a_plugin:uuid")
    case = project.load("def sign(): return 'own'", "${sign()} ${uuid()}")
    assert list(case.functions) == ["sign"]
    assert case.functions["sign"].call() == "own"


def test_of_two_packages_the_one_whose_name_comes_first_wins(project: Project, site: Site) -> None:
    site.install("zebra", "a_plugin_z", "def sign(): return 'z'", sign="a_plugin_z:sign")
    site.install("apple", "a_plugin_a", "def sign(): return 'a'", sign="a_plugin_a:sign")
    assert project.load("", "${sign()}").functions["sign"].call() == "a"


def test_a_step_that_calls_a_function_by_name_finds_it(project: Project, site: Site) -> None:
    site.install("signing", "a_plugin", "def sign(): ...", sign="a_plugin:sign")
    case = project.file("f.yaml", "name: c\nsteps: [{name: s, type: function, function: sign}]\n")
    assert list(load(case, Choices(environ={})).functions) == ["sign"]


CALLING = "name: c\nsteps: [{{name: s, type: function, function: {}}}]\n"


@pytest.mark.parametrize(
    ("function", "told"),
    [("uper", "there is no function 'uper' (did you mean 'upper'?)"), ("say it", "there is no function 'say it'")],
)
def test_a_step_that_calls_a_function_that_is_not_there_is_a_problem(
    function: str, told: str, project: Project
) -> None:
    with pytest.raises(CaseFileError) as caught:
        load(project.file("f.yaml", CALLING.format(function)), Choices(environ={}))
    assert str(caught.value) == f"{project.root}/f.yaml:2:45: {told}"


def test_a_step_may_call_a_function_of_the_project_by_name(project: Project) -> None:
    project.load("def own(): ...")
    for function in ("own", "upper", "\"${'uper'}\""):
        load(project.file("f.yaml", CALLING.format(function)), Choices(environ={}))


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "raise ValueError('broken')",
            "the function 'sign' of the package signing cannot be loaded: ValueError: broken",
        ),
        ("", "the function 'sign' of the package signing cannot be loaded: AttributeError: "),
        ("import sys; sys.exit()", "the function 'sign' of the package signing cannot be loaded: SystemExit: "),
        ("sign = 5", "'sign' of the package signing is no function that can be called here"),
        ("async def sign(): ...", "'sign' of the package signing is no function that can be called here"),
    ],
)
def test_a_package_that_is_broken_is_told_where_its_function_is_called(
    source: str, told: str, project: Project, site: Site
) -> None:
    site.install("signing", "a_plugin", source, sign="a_plugin:sign")
    [only] = project.problems("", "${sign(1)}")
    assert only.startswith(f"{project.root}/c.yaml:3:20: {told}")


def test_a_mistyped_name_may_be_near_that_of_an_installed_function(project: Project, site: Site) -> None:
    site.install("signing", "a_plugin", "", sign_request="a_plugin:sign")
    [only] = project.problems("", "${sign_reqest(1)}")
    assert only.endswith("there is no function 'sign_reqest' (did you mean 'sign_request'?)")


def test_faker_that_is_not_installed_is_told_before_anything_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    command = "pip install 'sisyphus-api-engine[faker]'"
    for template in ("${faker.name()}", '${faker("name")}', "${x|default(faker . name())}"):
        [only] = project.problems("", template)
        assert only.endswith(f": 'faker' needs a package that is not installed: {command}")
    project.load("", "${faker.id} ${my_faker.name()}")  # variables of the user's own
