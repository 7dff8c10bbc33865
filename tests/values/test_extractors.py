"""Values taken out of a response."""

from __future__ import annotations

from typing import Any

import pytest

from sisyphus.case.model import ABSENT, Extractor
from sisyphus.errors import FieldError, QueryError, StepError, UndefinedName
from sisyphus.values.extract import Extracted, extract

VIEW: dict[str, Any] = {
    "status_code": 201,
    "elapsed": 0.25,
    "headers": {"Content-Type": "text/html", "X-Id": "9"},
    "cookies": {"sid": "abc"},
    "body": {"id": 7, "nothing": None, "list": [1, 2], "users": [{"n": "bob"}, {"n": "al"}]},
    "text": "<html><body><a id='x1'>one</a><a id='x2'> two </a></body></html>",
}
XML = {"body": "", "text": '<?xml version="1.0"?><r xmlns:p="urn:p"><p:a n="1">t</p:a></r>'}
NAMES = {"want": 7, "field": "id"}


def take(view: dict[str, Any] = VIEW, **fields: Any) -> Extracted:
    (extracted,) = extract([Extractor(name="x", **fields)], view, NAMES)
    return extracted


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"path": "$.id"}, 7),
        ({"path": "body.id"}, 7),
        ({"path": "headers.X-Id"}, "9"),
        ({"path": "$.${field}"}, 7),
        ({"path": "$..n"}, "bob"),
        ({"path": "$..n", "index": 1}, "al"),
        ({"path": "$..n", "index": -2}, "bob"),
        ({"path": "$..n", "index": -1}, ["bob", "al"]),
        ({"path": "$..n", "extract_all": True}, ["bob", "al"]),
        ({"path": "$.list", "extract_all": True}, [1, 2]),
        ({"path": "$.id", "extract_all": True}, [7]),
        ({"path": "$.list.length()"}, 2),
        ({"type": "header", "path": "content-type"}, "text/html"),
        ({"type": "cookie", "path": "sid"}, "abc"),
        ({"type": "status"}, 201),
        ({"type": "elapsed"}, 0.25),
        ({"type": "regex", "pattern": r"id='(x\d)'"}, "x1"),
        ({"type": "regex", "pattern": r"id='(x\d)'", "group": 0}, "id='x1'"),
        ({"type": "regex", "pattern": r"id='(?P<which>x\d)'", "group": "which"}, "x1"),
        ({"type": "regex", "pattern": r"id='(x\d)'", "group": "1"}, "x1"),
        ({"type": "regex", "pattern": r"x\d"}, "x1"),
        ({"type": "regex", "path": r"x\d"}, "x1"),
        ({"type": "regex", "pattern": r"x\d", "index": 1}, "x2"),
        ({"type": "regex", "pattern": r"x\d", "extract_all": True}, ["x1", "x2"]),
        ({"type": "xpath", "path": "//a"}, "one"),
        ({"type": "xpath", "path": "//a/@id", "index": 1}, "x2"),
        ({"type": "xpath", "path": "//a/text()", "extract_all": True}, ["one", " two "]),
        ({"type": "xpath", "path": "count(//a)"}, 2),
        ({"type": "xpath", "path": "boolean(//b)"}, False),
        ({"type": "xpath", "path": "string(//a)"}, "one"),
    ],
)
def test_takes(fields: dict[str, Any], expected: Any) -> None:
    extracted = take(**fields)
    assert (extracted.value, extracted.warning) == (expected, None)
    assert type(extracted.value) is type(expected)


def test_xml_is_read_with_its_own_prefixes() -> None:
    assert take(XML, type="xpath", path="//p:a/@n").value == "1"


def test_xml_is_told_from_html_by_its_content() -> None:
    assert take({"text": "<Root><Item/></Root>"}, type="xpath", path="count(/Root/Item)").value == 1
    assert take({"text": "<p>one<p>two"}, type="xpath", path="count(//p)").value == 2


def test_entities_are_not_expanded_and_nothing_is_fetched() -> None:
    hostile = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]><r>&e;</r>'
    assert take({"text": hostile}, type="xpath", path="string(/r)").value == ""


def test_found_null_is_null_even_with_a_default() -> None:
    found = take(path="$.nothing", default="d")
    assert (found.value, found.warning) == (None, None)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"path": "$.idd"}, "'x' stays unset: nothing at $.idd; keys there: id"),
        ({"path": "$..n", "index": 5}, "there are 2 matches"),
        ({"type": "header", "path": "Content-Typ"}, "no header 'Content-Typ' (did you mean 'Content-Type'?)"),
        ({"type": "cookie", "path": "no"}, "no cookie 'no'"),
        ({"type": "cookie", "path": "SID"}, "no cookie 'SID'"),
        ({"type": "regex", "pattern": "zzz"}, "matches nothing"),
        ({"type": "xpath", "path": "//table"}, "nothing matches //table"),
    ],
)
def test_nothing_found_is_a_warning_and_the_variable_stays_unset(fields: dict[str, Any], reason: str) -> None:
    extracted = take(**fields)
    assert extracted.value is ABSENT
    assert reason in (extracted.warning or "")


def test_a_default_takes_the_place_of_nothing() -> None:
    found = take(path="$.no", default=None)
    assert (found.value, found.warning) == (None, None)
    assert take(path="$.no", default="${want}").value == 7
    assert take(type="regex", pattern="zzz", extract_all=True, default=[]).value == []


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"path": "$.["}, QueryError),
        ({"path": "$.id.length()"}, QueryError),
        ({"type": "regex", "pattern": "("}, QueryError),
        ({"type": "regex", "pattern": "a", "group": 1}, QueryError),
        ({"type": "regex", "pattern": "a", "group": "no"}, QueryError),
        ({"type": "xpath", "path": "//["}, QueryError),
        ({"type": "xpath", "path": "//p:a"}, QueryError),
        ({"path": "$.${missing}"}, UndefinedName),
        ({"path": None}, FieldError),
        ({"type": "heder", "path": "x"}, FieldError),
    ],
)
def test_what_could_not_be_tried_is_an_error(fields: dict[str, Any], error: type[StepError]) -> None:
    with pytest.raises(error):
        take(**fields)


def test_with_a_default_a_failed_search_is_only_a_warning() -> None:
    extracted = take({"text": ""}, type="xpath", path="//a", default=0)
    assert extracted.value == 0
    assert "has its default" in (extracted.warning or "")


def test_text_that_is_not_xml_at_all_is_an_error() -> None:
    with pytest.raises(QueryError, match="no valid XML"):
        take({"text": "<?xml version='1.0'?><a>"}, type="xpath", path="//a")


def test_a_condition_leaves_an_extractor_out() -> None:
    extractors = [
        Extractor(name="a", path="$.id", condition="${want} == 8"),
        Extractor(name="b", path="$.id", condition="want == 7"),
    ]
    assert [found.extractor.name for found in extract(extractors, VIEW, NAMES)] == ["b"]


def test_later_extractors_see_what_earlier_ones_found() -> None:
    extractors = [Extractor(name="n", path="$.list.length()"), Extractor(name="m", path="$.users[${n - 1}].n")]
    assert extract(extractors, VIEW, NAMES)[1].value == "al"


def test_a_body_without_text_is_searched_as_json() -> None:
    assert take({"body": {"a": "é1"}}, type="regex", pattern=r'"a": "(.*?)"').value == "é1"
    with pytest.raises(QueryError, match="no body"):
        take({"rows": []}, type="regex", pattern="a")
