"""Each way to write validations and extractors, and what it means."""

from __future__ import annotations

import pytest
from attrs import evolve
from loading import case, checks, extractors, step

from sisyphus.case.load import loads
from sisyphus.case.model import NOWHERE, Check, Extractor
from sisyphus.errors import CaseFileError, Mark
from sisyphus.values.compare import ALIASES, OPERATORS

EQ = Check(op="eq", path="$.a", expect=1)


@pytest.mark.parametrize(
    "text",
    [
        "- {type: eq, path: $.a, expect: 1}",
        "- {comparator: eq, path: $.a, expected: 1}",
        "- {type: equals, path: $.a, value: 1}",
        "- {type: ==, check: $.a, expect: 1}",
        "- eq: [$.a, 1]",
        "- equals: [$.a, 1]",
        "- '==': [$.a, 1]",
        "- eq: {path: $.a, expect: 1}",
        "eq: [$.a, 1]",
        "{type: eq, path: $.a, expect: 1}",
    ],
)
def test_a_validation_is_spelt_in_many_ways(text: str) -> None:
    assert checks(text) == [EQ]


@pytest.mark.parametrize(
    "text",
    [
        "- {type: eq, path: $.a, expect: 1, description: d, error_message: m}",
        "- {type: eq, path: $.a, expect: 1, name: d, message: m}",
        "- {eq: [$.a, 1], description: d, error_message: m}",
        "- {eq: [$.a, 1, d], error_message: m}",
        "- eq: {path: $.a, expect: 1, description: d, message: m}",
    ],
)
def test_a_validation_may_be_described(text: str) -> None:
    assert checks(text) == [Check(op="eq", path="$.a", expect=1, description="d", error_message="m")]


@pytest.mark.parametrize("name", sorted(OPERATORS))
def test_every_comparator_has_both_spellings(name: str) -> None:
    examples = {
        "between": "[1, 2]", "in": "[1]", "not_in": "[1]", "type": "int", "schema": "{type: object}",
        "approx": "{value: 1, tolerance: 0.1}", "status_code": "2xx",
    }  # fmt: skip
    expect = examples.get(name, "true" if name.startswith(("is_", "exists")) else "1" if "length" in name else "x")
    long = checks(f"- {{type: {name}, path: $.a, expect: {expect}}}")
    assert long[0].op == name
    short = f"[$.a, {expect}]" if name != "status_code" else f"{{path: $.a, expect: {expect}}}"
    assert checks(f"- {name}: {short}") == long


@pytest.mark.parametrize(("alias", "name"), sorted(ALIASES.items()))
def test_other_names_of_comparators_mean_the_same(alias: str, name: str) -> None:
    expect = {"in": "[1]", "not_in": "[1]", "type": "int", "regex": "x"}.get(name, "1")
    (check,) = checks(f"- '{alias}': [$.a, {expect}]")
    assert check.op == name


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("status_code: 200", 200),
        ("status_code: '201'", "201"),
        ("status_code: 2xx", "2xx"),
        ("status_code: [200, 3xx]", [200, "3xx"]),
        ("status_code: {expect: 204}", 204),
        ("status_code: '${wanted}'", "${wanted}"),
    ],
)
def test_a_status_needs_no_path(text: str, expect: object) -> None:
    assert checks(f"- {text}") == [Check(op="status_code", expect=expect)]


def test_a_status_may_name_its_path_all_the_same() -> None:
    assert checks("- status_code: [$.status_code, 200]") == [Check(op="status_code", path="$.status_code", expect=200)]


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("exists: $.a", Check(op="exists", path="$.a")),
        ("{eq: 5, path: $.a}", Check(op="eq", path="$.a", expect=5)),
        ("exists: [$.a]", Check(op="exists", path="$.a")),
        ("exists: [$.a, false]", Check(op="exists", path="$.a", expect=False)),
        ("{exists: $.a, expect: false}", Check(op="exists", path="$.a", expect=False)),
        ("{type: is_null, path: $.a}", Check(op="is_null", path="$.a")),
        ("{type: is_empty, path: $.a, expect: 'false'}", Check(op="is_empty", path="$.a", expect="false")),
        ("eq: [$.a, null]", Check(op="eq", path="$.a", expect=None)),
        ("between: [$.a, [1, 5]]", Check(op="between", path="$.a", expect=[1, 5])),
        ("between: [$.a, 1, 5]", Check(op="between", path="$.a", expect=[1, 5])),
        ("between: [$.a, [1, 5], words]", Check(op="between", path="$.a", expect=[1, 5], description="words")),
        ("in: [$.a, x, y, z]", Check(op="in", path="$.a", expect=["x", "y", "z"])),
        ("schema: {type: object}", Check(op="schema", expect={"type": "object"})),
        ("schema: {description: d}", Check(op="schema", expect={"description": "d"})),
        ("schema: '${kind}.json'", Check(op="schema", expect="${kind}.json")),
        ("schema: [$.a, {type: object}]", Check(op="schema", path="$.a", expect={"type": "object"})),
        ("type: [$.a, int]", Check(op="type", path="$.a", expect="int")),
        ("type: {path: $.a, expect: [int, 'null']}", Check(op="type", path="$.a", expect=["int", "null"])),
        ("approx: [$.a, 3.14]", Check(op="approx", path="$.a", expect=3.14)),
        (
            "approx: {path: $.a, value: 3, tolerance: 0.1}",
            Check(op="approx", path="$.a", expect={"value": 3, "tolerance": 0.1}),
        ),
        (
            "{type: approx, path: $.a, expect: 3, tolerance: 0.1}",
            Check(op="approx", path="$.a", expect={"value": 3, "tolerance": 0.1}),
        ),
        ("regex: [$.a, '${pattern}(']", Check(op="regex", path="$.a", expect="${pattern}(")),
        ("eq: ['$.a[${i}', 1]", Check(op="eq", path="$.a[${i}", expect=1)),
    ],
)
def test_comparators_have_short_forms_of_their_own(text: str, check: Check) -> None:
    assert checks(f"- {text}") == [check]


A, B = Check(op="exists", path="$.a"), Check(op="exists", path="$.b")


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("or: [{exists: $.a}, {exists: $.b}]", Check(op="or", checks=(A, B))),
        ("and: [{exists: $.a}, {exists: $.b}]", Check(op="and", checks=(A, B))),
        ("not: {exists: $.a}", Check(op="not", checks=(A,))),
        ("not: [{exists: $.a}]", Check(op="not", checks=(A,))),
        ("or: {exists: $.a, status_code: 200}", Check(op="or", checks=(A, Check(op="status_code", expect=200)))),
        ("{type: or, sub_validations: [{exists: $.a}]}", Check(op="or", checks=(A,))),
        ("{type: or, conditions: [{exists: $.a}], description: d}", Check(op="or", checks=(A,), description="d")),
        ("{logical_operator: and, validations: [{exists: $.a}]}", Check(op="and", checks=(A,))),
        (
            "and: [{or: [{exists: $.a}, {not: {exists: $.b}}]}]",
            Check(op="and", checks=(Check(op="or", checks=(A, Check(op="not", checks=(B,)))),)),
        ),
    ],
)
def test_validations_are_combined(text: str, check: Check) -> None:
    assert checks(f"- {text}") == [check]


def test_short_spellings_may_stand_in_one_mapping() -> None:
    loaded = checks("status_code: 200\neq: [$.a, 1]\ntype: [$.a, int]\n")
    assert loaded == [Check(op="status_code", expect=200), EQ, Check(op="type", path="$.a", expect="int")]


@pytest.mark.parametrize("key", ["validations", "validate"])
def test_validations_have_two_names(key: str) -> None:
    assert [check.op for check in step(f"{{name: s, url: /, {key}: [{{status_code: 200}}]}}").checks] == ["status_code"]


def test_a_validation_knows_where_it_stands() -> None:
    loaded = case(
        """\
        name: c
        steps:
          - name: s
            url: /
            validations:
              - status_code: 200
              - type: eq
                path: $.a
                expect: 1
              - or:
                  - exists: $.a
        """
    )
    first, second, third = loaded.steps[0].checks
    assert [first.where, second.where] == [Mark("c.yaml", 6, 9), Mark("c.yaml", 7, 9)]
    assert third.checks[0].where == Mark("c.yaml", 11, 13)


@pytest.mark.parametrize(
    ("text", "extractor"),
    [
        ("{name: t, type: jsonpath, path: $.a}", Extractor(name="t", path="$.a")),
        ("{name: t, path: $.a}", Extractor(name="t", path="$.a")),
        ("{name: t, type: json, expression: $.a}", Extractor(name="t", path="$.a")),
        ("{name: t, path: $.a, default: null}", Extractor(name="t", path="$.a", default=None)),
        ("{name: t, path: $.a, default_value: [1]}", Extractor(name="t", path="$.a", default=[1])),
        ("{name: t, path: $.a, index: 2}", Extractor(name="t", path="$.a", index=2)),
        ("{name: t, path: $.a, index: -2}", Extractor(name="t", path="$.a", index=-2)),
        ("{name: t, path: $.a, index: -1}", Extractor(name="t", path="$.a", extract_all=True)),
        ("{name: t, path: $.a, extract_all: true}", Extractor(name="t", path="$.a", extract_all=True)),
        ("{name: t, path: $.a, condition: n > 1}", Extractor(name="t", path="$.a", condition="n > 1")),
        ("{name: t, path: $.a, scope: step}", Extractor(name="t", path="$.a", scope="step")),
        ("{name: t, path: $.a, always: true}", Extractor(name="t", path="$.a", always=True)),
        ("{name: t, path: $.a, condition: }", Extractor(name="t", path="$.a")),
        ("{name: t, path: $.a, key: b}", Extractor(name="t", path="$.a")),
        ("{name: t, pattern: 'a${x}('}", Extractor(name="t", type="regex", pattern="a${x}(")),
        ("{name: t, path: '$.a[${i}'}", Extractor(name="t", path="$.a[${i}")),
        ("{name: t, type: regex, pattern: 'a(b)'}", Extractor(name="t", type="regex", pattern="a(b)")),
        ("{name: t, pattern: 'a(b)'}", Extractor(name="t", type="regex", pattern="a(b)")),
        ("{name: t, regex: 'a(b)', group: 1}", Extractor(name="t", type="regex", pattern="a(b)", group=1)),
        ("{name: t, type: regex, path: ab, group: 0}", Extractor(name="t", type="regex", pattern="ab", group=0)),
        ("{name: t, pattern: '(?P<x>b)', group: x}", Extractor(name="t", type="regex", pattern="(?P<x>b)", group="x")),
        ("{name: t, type: header, key: Server}", Extractor(name="t", type="header", path="Server")),
        ("{name: t, type: header, header: Server}", Extractor(name="t", type="header", path="Server")),
        ("{name: t, type: header, path: Server}", Extractor(name="t", type="header", path="Server")),
        ("{name: Server, type: headers}", Extractor(name="Server", type="header", path="Server")),
        ("{name: t, type: cookie, key: sid}", Extractor(name="t", type="cookie", path="sid")),
        ("{name: sid, type: cookies}", Extractor(name="sid", type="cookie", path="sid")),
        ("{name: t, type: xpath, path: //a}", Extractor(name="t", type="xpath", path="//a")),
        ("{name: t, type: status}", Extractor(name="t", type="status")),
        ("{name: t, type: status_code}", Extractor(name="t", type="status")),
        ("{name: t, type: elapsed}", Extractor(name="t", type="elapsed")),
        ("t: {type: header, name: Server}", Extractor(name="t", type="header", path="Server")),
        ("t: $.a", Extractor(name="t", path="$.a")),
        ("t: body.a", Extractor(name="t", path="body.a")),
    ],
)
def test_extractors_of_every_type(text: str, extractor: Extractor) -> None:
    assert extractors(f"- {text}") == [extractor]


@pytest.mark.parametrize(
    ("policy", "default"),
    [
        ("{use_default: true, default: 5}", Extractor(name="t", path="$.a", default=5)),
        ("{use_default: true, default_value: 5}", Extractor(name="t", path="$.a", default=5)),
        ("{default: null}", Extractor(name="t", path="$.a", default=None)),
        ("{use_default: true}", Extractor(name="t", path="$.a", default=None)),
        ("{use_default: false, default: 5}", Extractor(name="t", path="$.a")),
    ],
)
def test_a_default_may_stand_under_on_failure(policy: str, default: Extractor) -> None:
    assert extractors(f"- {{name: t, path: $.a, on_failure: {policy}}}") == [default]


def test_use_default_takes_the_default_that_stands_beside_it() -> None:
    (loaded,) = extractors("- {name: t, path: $.a, default: 5, on_failure: {use_default: true}}")
    assert loaded.default == 5


def test_use_default_of_false_leaves_out_the_default_beside_it() -> None:
    assert extractors("- {name: t, path: $.a, default: 5, on_failure: {use_default: false}}") == [
        Extractor(name="t", path="$.a")
    ]


def test_extractors_may_be_a_mapping_from_names() -> None:
    assert extractors("token: body.data.token\nserver: {type: header}\nname: $.name\n") == [
        Extractor(name="token", path="body.data.token"),
        Extractor(name="server", type="header", path="server"),
        Extractor(name="name", path="$.name"),
    ]


def test_one_extractor_may_forget_its_dash() -> None:
    assert extractors("name: t\ntype: jsonpath\npath: $.a\n") == [Extractor(name="t", path="$.a")]


@pytest.mark.parametrize("key", ["extractors", "extract"])
def test_extractors_have_two_names(key: str) -> None:
    assert [e.name for e in step(f"{{name: s, url: /, {key}: {{a: $.a}}}}").extractors] == ["a"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("{type: header, path: X-A, expect: b}", Check(op="eq", source="header", path="X-A", expect="b")),
        ("{type: headers, key: X-A}", Check(op="exists", source="header", path="X-A")),
        ("{type: cookie, path: sid, comparator: regex, expect: a}",
         Check(op="regex", source="cookie", path="sid", expect="a")),
        ("{type: header, path: X-A, operator: contains, value: b}",
         Check(op="contains", source="header", path="X-A", expect="b")),
    ],
)  # fmt: skip
def test_a_validation_may_name_a_header_or_a_cookie(written: str, meant: Check) -> None:
    (step,) = loads(f"name: x\nsteps:\n  - name: a\n    url: /\n    validations: [{written}]\n").steps
    assert evolve(step.checks[0], where=NOWHERE) == meant


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{type: header}", "5:19: a validation of a header needs its name"),
        ("{type: header, path: X, comparator: eq}", "5:19: 'eq' needs the expected value (expect)"),
        ("{type: header, path: X, comparator: contians, expect: 1}",
         "5:55: unknown comparator 'contians' (did you mean 'contains'?)"),
    ],
)  # fmt: skip
def test_what_a_validation_of_a_header_lacks_is_told(written: str, problem: str) -> None:
    with pytest.raises(CaseFileError) as told:
        loads(f"name: x\nsteps:\n  - name: a\n    url: /\n    validations: [{written}]\n")
    assert problem in str(told.value)
