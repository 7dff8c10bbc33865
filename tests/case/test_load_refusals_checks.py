"""Every validation and extractor that can be wrong: what is said of it, and the exact place."""

from __future__ import annotations

import pytest
from loading import problems

# What is written, and each problem with its line and column.
Wrong = tuple[str, list[str]]

CHECKS: list[Wrong] = [
    ("5", ["5:16: validations must be a list, got a number"]),
    ("eq", ["5:16: validations must be a list, got text"]),
    (
        "[eq, a, 1]",
        [
            "5:17: a validation must be a mapping, got text (write for example status_code: 200)",
            "5:21: a validation must be a mapping, got text (write for example status_code: 200)",
            "5:24: a validation must be a mapping, got a number (write for example status_code: 200)",
        ],
    ),
    ("[5]", ["5:17: a validation must be a mapping, got a number (write for example status_code: 200)"]),
    ("[{}]", ["5:17: an empty validation (write for example status_code: 200)"]),
    ("[{eqq: [$.a, 1]}]", ["5:18: unknown comparator 'eqq' (did you mean 'eq'?)"]),
    (
        "[{zzz: 1}]",
        [
            "5:18: unknown comparator 'zzz' (known: and, approx, between, contains, ends_with, eq, exists, ge, gt, in, is_empty, is_not_null, is_null, le, length_eq, length_ge, length_gt, length_le, length_lt, lt, ne, not, not_contains, not_in, or, regex, schema, starts_with, status_code, type)"
        ],
    ),
    ("[{type: eqq, path: $.a, expect: 1}]", ["5:24: unknown comparator 'eqq' (did you mean 'eq'?)"]),
    (
        "[{type: 5, path: $.a, expect: 1}]",
        ["5:24: a comparator is named by text, got a number (write for example type: eq)"],
    ),
    ("[{type: , path: $.a, expect: 1}]", ["5:24: a validation needs a type (write for example type: eq)"]),
    ("[{path: $.a, expect: 1}]", ["5:17: a validation needs a type (write for example type: eq)"]),
    ("[{tpye: eq, path: $.a, expect: 1}]", ["5:18: unknown key 'tpye' in a validation (did you mean 'type'?)"]),
    ("[{type: eq, pth: $.a, expect: 1}]", ["5:28: unknown key 'pth' in a validation (did you mean 'path'?)"]),
    ("[{type: eq, path: $.a, expct: 1}]", ["5:39: unknown key 'expct' in a validation (did you mean 'expect'?)"]),
    ("[{type: eq, expect: 1}]", ["5:17: 'eq' needs a path (write for example {type: eq, path: \"$.id\", expect: 1})"]),
    ("[{type: eq, path: $.a}]", ["5:17: 'eq' needs the expected value (expect)"]),
    (
        "[{type: or, sub_validation: []}]",
        ["5:28: unknown key 'sub_validation' in a validation (did you mean 'sub_validations'?)"],
    ),
    ("[{type: approx, path: $.a, tolerance: 1}]", ["5:17: 'approx' needs the expected value (expect)"]),
    ("[{eq: ['$.a${', 1]}]", ["5:23: '${' is not closed by '}': ${"]),
    ("[{type: eq}]", ["5:17: 'eq' needs a path (write for example {type: eq, path: \"$.id\", expect: 1})"]),
    ("[{type: eq, path: [a], expect: 1}]", ["5:34: path: expected text, got a list"]),
    (
        "[{type: eq, path: $.a, expect: 1, description: [a], error_message: {a: 1}}]",
        [
            "5:63: description: expected text, got a list",
            "5:83: error_message: expected text, got a mapping",
        ],
    ),
    ("[{type: eq, path: $.a, expect: 1, error_message: '${'}]", ["5:65: '${' is not closed by '}': ${"]),
    (
        "[{eq: [$.a, 1], ne: [$.a, 2]}]",
        ["5:32: one validation has several comparators: eq, ne (make each an item of its own)"],
    ),
    (
        "[{eq: []}]",
        ["5:22: 'eq' takes a path and what is expected, got 0 values (write for example eq: [\"$.id\", 1])"],
    ),
    ("[{eq: [$.a]}]", ["5:18: 'eq' needs the expected value (expect)"]),
    (
        "[{eq: [$.a, 1, d, 2]}]",
        ["5:22: 'eq' takes a path and what is expected, got 4 values (write for example eq: [\"$.id\", 1])"],
    ),
    ("[{eq: 5}]", ["5:18: 'eq' needs a path (write for example {type: eq, path: \"$.id\", expect: 1})"]),
    (
        "[{eq: {a: 1}}]",
        ["5:22: 'eq' takes a path and what is expected, got a mapping (write for example eq: [\"$.id\", 1])"],
    ),
    ("[{eq: {path: $.a, expct: 1}}]", ["5:34: unknown key 'expct' in a validation (did you mean 'expect'?)"]),
    ("[{eq: ['$.a[', 1]}]", ["5:23: path: '$.a[' is no valid path: cannot read on at ["]),
    ("[{type: eq, path: '$.a.nope()', expect: 1}]", ["5:34: path: paths have no function 'nope'"]),
    (
        "[{regex: [$.a, '(']}]",
        ["5:31: '(' is no valid regular expression: missing ), unterminated subpattern at position 0"],
    ),
    ("[{type: regex, path: $.a, expect: 5}]", ["5:50: a pattern is text, got 5 (number)"]),
    ("[{between: [$.a, [1]]}]", ["5:33: 'between' needs a list of two numbers, got [1]"]),
    ("[{between: [$.a, [a, b]]}]", ['5:33: \'between\' needs a list of two numbers, got ["a", "b"]']),
    ("[{in: [$.a, x]}]", ["5:28: 'in' needs a list, got \"x\" (text)"]),
    ("[{type: [$.a, strng]}]", ["5:30: there is no type 'strng' (did you mean 'string'?)"]),
    ("[{length_eq: [$.a, many]}]", ['5:35: a length is a number, got "many" (text)']),
    ("[{status_code: abc}]", ['5:31: a status is a number or a class like 2xx, got "abc" (text)']),
    ("[{status_code: [200, 6xx]}]", ['5:31: a status is a number or a class like 2xx, got "6xx" (text)']),
    ("[{exists: [$.a, 5]}]", ["5:32: expected true or false here, got 5 (number)"]),
    ("[{exists: 5}]", ["5:18: 'exists' needs a path (write for example {type: exists, path: \"$.id\"})"]),
    ("[{schema: 5}]", ["5:26: a schema is a map, or the path of a JSON file with one"]),
    (
        "[{schema: {type: objct}}]",
        ["5:26: the schema is wrong at $.type: 'objct' is not valid under any of the given schemas"],
    ),
    ("[{approx: [$.a, {value: x}]}]", ['5:32: \'approx\' needs {value: …, tolerance: …}, got {"value": "x"}']),
    (
        "[{approx: [$.a, {value: 1, tolerance: -1}]}]",
        ['5:32: \'approx\' needs {value: …, tolerance: …}, got {"value": 1, "tolerance": -1}'],
    ),
    ("[{or: 5}]", ["5:22: 'or' must be a list, got a number"]),
    (
        "[{or: []}]",
        ["5:22: 'or' needs validations to combine (write for example or: [{status_code: 200}, {exists: $.id}])"],
    ),
    (
        "[{and: }]",
        ["5:23: 'and' needs validations to combine (write for example and: [{status_code: 200}, {exists: $.id}])"],
    ),
    ("[{not: eq}]", ["5:23: 'not' must be a list, got text"]),
    ("[{or: [{eqq: 1}]}]", ["5:24: unknown comparator 'eqq' (did you mean 'eq'?)"]),
    (
        "[{or: [{eq: [$.a, 1]}], path: $.a, expect: 1}]",
        [
            "5:46: 'or' combines validations and takes no 'path' (remove it)",
            "5:59: 'or' combines validations and takes no 'expect' (remove it)",
        ],
    ),
    (
        "[{type: and}]",
        ["5:17: 'and' needs validations to combine (write for example and: [{status_code: 200}, {exists: $.id}])"],
    ),
    (
        "[{type: and, sub_validations: [5]}]",
        ["5:47: a validation must be a mapping, got a number (write for example status_code: 200)"],
    ),
    (
        "[{type: eq, path: $.a, expect: 1, conditions: [{eq: [$.a, 1]}]}]",
        ["5:62: 'eq' takes no inner validations (use and, or, not)"],
    ),
    (
        "[{eq: [$.a, 1], conditions: [{eq: [$.a, 1]}]}]",
        ["5:44: 'eq' takes no inner validations (use and, or, not)"],
    ),
    ("[{eq: [$.a, 1], path: $.b}]", ["5:38: 'path' says again what 'eq' says (keep one of them)"]),
    (
        "[{or: [{eq: [$.a, 1]}], conditions: [{eq: [$.a, 1]}]}]",
        ["5:52: 'conditions' says again what 'or' says (keep one of them)"],
    ),
    (
        "{status_code: abc, eqq: 1}",
        [
            '5:30: a status is a number or a class like 2xx, got "abc" (text)',
            "5:35: unknown comparator 'eqq' (did you mean 'eq'?)",
        ],
    ),
]


@pytest.mark.parametrize(("text", "found"), CHECKS)
def test_a_validation_that_is_wrong(text: str, found: list[str]) -> None:
    assert problems(f"name: c\nsteps:\n- name: s\n  url: /\n  validations: {text}\n") == found


EXTRACTORS: list[Wrong] = [
    ("5", ["5:12: extractors must be a list, got a number"]),
    ("[5]", ['5:13: an extractor must be a mapping, got a number (write for example {name: id, path: "$.data.id"})']),
    ("[{}]", ['5:13: an empty extractor (write for example {name: id, path: "$.data.id"})']),
    ("[{path: $.a}]", ["5:13: an extractor needs a name (write for example name: token)"]),
    ("[{name: , path: $.a}]", ["5:20: an extractor needs a name (write for example name: token)"]),
    ("[{name: [t], path: $.a}]", ["5:20: name: expected text, got a list"]),
    ("[{nme: t, path: $.a}]", ["5:14: unknown key 'nme' in an extractor (did you mean 'name'?)"]),
    ("[{name: '', path: $.a}]", ["5:20: an extractor needs a name (write for example name: token)"]),
    ("[{name: t, type: regex, pth: a}]", ["5:36: unknown key 'pth' in an extractor (did you mean 'path'?)"]),
    ("[{name: t}]", ['5:13: an extractor needs a path (write for example path: "$.data.id")']),
    ("[{name: t, path: }]", ['5:29: an extractor needs a path (write for example path: "$.data.id")']),
    ("[{name: t, path: [a]}]", ["5:29: path: expected text, got a list"]),
    ("[{name: t, path: '$.a['}]", ["5:29: path: '$.a[' is no valid path: cannot read on at ["]),
    ("[{name: t, pth: $.a}]", ["5:23: unknown key 'pth' in an extractor (did you mean 'path'?)"]),
    ("[{name: t, type: jsnpath, path: $.a}]", ["5:29: unknown extractor type 'jsnpath' (did you mean 'jsonpath'?)"]),
    ("[{name: t, type: [a], path: $.a}]", ["5:29: type: expected text, got a list (write for example type: jsonpath)"]),
    ("[{name: t, tpye: regex, pattern: a}]", ["5:23: unknown key 'tpye' in an extractor (did you mean 'type'?)"]),
    ("[{name: t, type: regex}]", ['5:13: a regex extractor needs a pattern (write for example pattern: "id=(\\d+)")']),
    (
        "[{name: t, type: regex, pattern: '('}]",
        ["5:45: '(' is no valid regular expression: missing ), unterminated subpattern at position 0"],
    ),
    ("[{name: t, type: regex, pattern: a, group: 1}]", ["5:55: the pattern has no group 1 (it has the groups 0 to 0)"]),
    (
        "[{name: t, type: regex, pattern: '(?P<x>a)', group: y}]",
        ["5:64: the pattern has no group y (it has the groups 0 to 1 and x)"],
    ),
    ("[{name: t, type: regex, pattern: a, group: [1]}]", ["5:55: group: expected a whole number or text, got a list"]),
    ("[{name: t, type: xpath}]", ['5:13: an extractor needs a path (write for example path: "$.data.id")']),
    ("[{name: t, path: $.a, index: x}]", ["5:41: index: expected a whole number, got text 'x'"]),
    ("[{name: t, path: $.a, index: 1.5}]", ["5:41: index: expected a whole number, got 1.5"]),
    ("[{name: t, path: $.a, extract_all: 1}]", ["5:47: extract_all: expected true or false, got a number"]),
    ("[{name: t, path: $.a, always: maybe}]", ["5:42: always: expected true or false, got text 'maybe'"]),
    ("[{name: t, path: $.a, scope: global}]", ["5:41: scope: expected one of case, step, got text 'global'"]),
    (
        "[{name: t, path: $.a, condition: 'a =='}]",
        ["5:45: condition: 'a ==' is not a valid expression: something is missing at its end"],
    ),
    (
        "[{name: t, path: $.a, on_failure: stop}]",
        [
            "5:46: on_failure must be a mapping, got text (write for example on_failure: {use_default: true, default: …})"
        ],
    ),
    (
        "[{name: t, path: $.a, on_failure: {use_default: 1, defalt: 5}}]",
        [
            "5:60: use_default: expected true or false, got a number",
            "5:63: unknown key 'defalt' in on_failure (did you mean 'default'?)",
        ],
    ),
    ("[{name: t, path: $.a, default: '${'}]", ["5:43: '${' is not closed by '}': ${"]),
    ("{t: 5}", ["5:16: an extractor's path must be text, got a number (write for example t: $.data.id)"]),
    ("{t: '$.a['}", ["5:16: path: '$.a[' is no valid path: cannot read on at ["]),
    ("{t: {type: header, nme: x}}", ["5:31: unknown key 'nme' in an extractor (did you mean 'name'?)"]),
    ("[{t: 5}]", ["5:17: an extractor's path must be text, got a number (write for example t: $.data.id)"]),
]


@pytest.mark.parametrize(("text", "found"), EXTRACTORS)
def test_an_extractor_that_is_wrong(text: str, found: list[str]) -> None:
    assert problems(f"name: c\nsteps:\n- name: s\n  url: /\n  extract: {text}\n") == found
