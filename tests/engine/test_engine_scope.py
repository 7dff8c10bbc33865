from __future__ import annotations

import pytest

from sisyphus.engine.scope import Environment, Scope
from sisyphus.errors import TemplateError, UndefinedName


def test_variables_may_refer_to_each_other_in_any_order() -> None:
    scope = Scope({}, {"url": "${host}/v1", "host": "http://${name}", "name": "api"})
    assert scope.variables == {"url": "http://api/v1", "host": "http://api", "name": "api"}


def test_each_variable_is_evaluated_once() -> None:
    counted = iter(range(10))
    scope = Scope({"tick": lambda: next(counted)}, {"a": "${tick()}", "b": "${a}", "c": "${a}"})
    assert scope.variables == {"a": 0, "b": 0, "c": 0}


def test_a_circle_is_shown_and_concerns_only_who_uses_it() -> None:
    scope = Scope({}, {"a": "${b}", "b": "${c}", "c": "${a}", "d": 1})
    assert scope.variables == {"d": 1}
    with pytest.raises(TemplateError, match="a → b → c → a"):
        scope.render("${a}", scope.names())


def test_a_variable_that_cannot_be_evaluated_says_so_to_whoever_uses_it() -> None:
    scope = Scope({}, {"token": "${nowhere}", "ok": 1})
    assert scope.render("${ok}", scope.names()) == 1
    with pytest.raises(TemplateError, match=r"variable 'token': 'nowhere' is not defined"):
        scope.render("${token}", scope.names())


def test_what_the_run_sets_replaces_a_variable() -> None:
    scope = Scope({}, {"n": 1})
    scope.set("n", 2)
    assert scope.render("${n}", scope.names()) == 2


def test_a_steps_own_variables_hide_the_cases_and_may_use_them() -> None:
    scope = Scope({}, {"n": 1})
    names = scope.names({"n": "${n + 1}", "m": "${n * 10}"})
    assert (names["n"], names["m"]) == (2, 20)
    assert scope.names()["n"] == 1


def test_a_steps_own_variable_that_fails_is_the_steps_error() -> None:
    with pytest.raises(TemplateError, match="nowhere"):
        Scope({}, {}).names({"x": "${nowhere}"})


def test_a_variable_hides_a_function_of_its_name() -> None:
    scope = Scope({"upper": str.upper}, {"upper": "mine"})
    assert scope.render("${upper}", scope.names()) == "mine"


def test_an_undefined_name_is_named_with_the_nearest_known_one() -> None:
    scope = Scope({}, {"username": 1})
    with pytest.raises(UndefinedName, match="did you mean 'username'"):
        scope.render("${usrname}", scope.names())


def test_the_environment_is_a_mapping_and_a_function() -> None:
    scope = Scope({"env": Environment({"A": "1"}, lambda name, default=None: default)}, {})
    assert scope.render("${env.A}${env('B', '2')}", scope.names()) == "12"


def test_legacy_templates_give_text_and_warn_of_what_is_undefined() -> None:
    scope = Scope({}, {"n": 5}, legacy=True)
    assert scope.render("${n}", scope.names()) == "5"
    assert scope.render("[${nowhere}]", scope.names()) == "[]"
    (warning,) = scope.take_warnings()
    assert "nowhere" in warning
    assert scope.take_warnings() == []


def test_what_is_set_is_the_name_of_the_round_that_has_it_however_far_out() -> None:
    scope = Scope({}, {"item": 0})
    outer = scope.inner({"item": 1})
    inner = outer.inner({"index": 0})
    inner.set("item", 2)
    assert [one.names()["item"] for one in (inner, outer, scope)] == [2, 2, 2]
    outer.inner({"item": 3}).set("item", 4)
    assert outer.names()["item"] == 2


def test_the_lenient_dialect_keeps_each_warning_once_however_often_it_renders() -> None:
    scope = Scope({}, {}, legacy=True)
    for _ in range(1000):
        scope.render("${nowhere}", scope.names())
    assert len(scope._warnings) == 1
    assert len(scope.take_warnings()) == 1
    assert scope.take_warnings() == []
