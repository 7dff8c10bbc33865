"""The protocol's description: an AsyncAPI document, and true of what is sent."""

from __future__ import annotations

import builtins
import datetime as dt
import json
import typing
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sisyphus.events import DATA_TYPES, Event
from sisyphus.live import control
from sisyphus.live.asking import parameters, wish_of
from sisyphus.live.asyncapi import description, schema_of
from sisyphus.live.head import Head
from sisyphus.live.looking import looked_at
from sisyphus.live.plain import PAGES
from sisyphus.live.run_state import RunState
from sisyphus.wire import encode

SPECIFICATION = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text(encoding="utf-8"))
DOCUMENT = description("localhost:8765")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def strictly(schema: Any) -> Any:
    """The same without room for what is not described; `context` and values of variables are anything."""
    if isinstance(schema, dict):
        closed = {"additionalProperties": False} if "properties" in schema else {}
        return {**closed, **{key: strictly(value) for key, value in schema.items()}}
    return [strictly(value) for value in schema] if isinstance(schema, list) else schema


CHECKS = {
    name: jsonschema.Draft202012Validator(strictly(schema))
    for name, schema in DOCUMENT["components"]["schemas"].items()
}


def check(message: bytes) -> None:
    value = json.loads(message)
    CHECKS[value["type"]].validate(value)


def test_it_is_an_asyncapi_document() -> None:
    jsonschema.validate(DOCUMENT, SPECIFICATION)


def test_the_specification_would_find_a_mistake() -> None:
    wrong = json.loads(json.dumps(DOCUMENT))
    wrong["operations"]["send_events"]["action"] = "sends"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, SPECIFICATION)


def references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for inner in value for found in references(inner)]
    if not isinstance(value, dict):
        return []
    own = [value["$ref"]] if "$ref" in value else []
    return own + [found for inner in value.values() for found in references(inner)]


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) > 30
    for reference in found:
        place: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_address_is_served() -> None:
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} <= PAGES.keys()


@pytest.mark.parametrize(("channel", "over_http"), [("websocket", False), ("events", True)])
def test_what_may_be_asked_for_is_what_is_described(channel: str, over_http: bool) -> None:
    values = {"from": "live", "after": "3", "types": "log", "case": "case-1", "token": "t", "format": "ndjson"}
    described = DOCUMENT["channels"][channel]["bindings"]["ws"]["query"]["properties"]
    assert described.keys() == values.keys() - (set() if over_http else {"format"})
    query = "&".join(f"{name}={values[name]}" for name in described)
    head = Head(method="GET", target=f"/?{query}", http_version="1.1", headers=(), received=b"")
    assert wish_of(head, over_http=over_http).after == 3


def test_what_details_may_be_asked_for_is_what_is_described() -> None:
    described = DOCUMENT["channels"]["details"]["bindings"]["ws"]["query"]["properties"]
    head = Head(method="GET", target="/details?seq=5&seq=9&token=t", http_version="1.1", headers=(), received=b"")
    assert described.keys() == {name for name, _ in parameters(head)}
    assert looked_at(head) == (5, 9)


def test_the_server_is_the_one_that_was_asked() -> None:
    assert DOCUMENT["servers"]["run"]["protocol"] == "ws"
    assert description("h:1", secure=True)["servers"]["run"] | {"security": 0} == {
        "host": "h:1", "protocol": "wss", "security": 0,
    }  # fmt: skip


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())
SIMPLE = {
    str: st.text(), int: st.integers(), bool: st.booleans(), float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(), Any: JSON,
}  # fmt: skip


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    if hint in SIMPLE:
        return SIMPLE[hint]
    inner = get_args(hint)
    match get_origin(hint):
        case typing.Literal:
            return st.sampled_from(inner)
        case builtins.dict:
            return st.dictionaries(st.text(), values_of(inner[1]), max_size=3)
        case builtins.list | builtins.tuple:
            return st.lists(values_of(inner[0]), max_size=3)
        case _:
            return st.one_of(map(values_of, inner))


def events_of(cls: type) -> st.SearchStrategy[Any]:
    hints = {name: hint for name, hint in get_type_hints(cls).items() if name != "type"}
    optional = {field.name for field in attrs.fields(cls) if field.default is not attrs.NOTHING}
    strategies = {name: values_of(hint) for name, hint in hints.items()}
    return st.fixed_dictionaries(
        {name: strategy for name, strategy in strategies.items() if name not in optional},
        optional={name: strategy for name, strategy in strategies.items() if name in optional},
    ).map(lambda fields: cls(**fields))


@pytest.mark.parametrize("cls", DATA_TYPES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_every_event_that_can_be_is_described(cls: Any, data: st.DataObject) -> None:
    event = Event(data=data.draw(events_of(cls)), timestamp=NOW, test_case_id="case-1")
    check(encode(event, seq=1, run_id="r"))


@pytest.mark.parametrize("cls", DATA_TYPES)
def test_every_key_that_is_always_there_is_said_to_be(cls: type) -> None:
    data = DOCUMENT["components"]["schemas"][cls.type]["properties"]["data"]  # type: ignore[attr-defined]
    needed = {field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING}
    assert needed <= set(data["required"]) <= set(data["properties"])


@pytest.mark.parametrize(
    "word",
    [
        control.hello(RunState(run_id="r"), first_seq=1, last_seq=0),
        control.hello(RunState(run_id="r", state="finished"), first_seq=1, last_seq=10),
        control.recovered(None),
        control.recovered((3, 7)),
        control.lag(12),
        control.close(4408, "slow consumer; resume with after=3"),
    ],
    ids=lambda word: word.type,
)
def test_every_word_of_the_server_is_described(word: control.Word) -> None:
    check(word.encode(RunState(run_id="r")))


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (str, {"type": "string"}),
        (float | None, {"type": ["number", "null"]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[str, ...], {"type": "array", "items": {"type": "string"}}),
        (dict[str, Any], {"type": "object", "additionalProperties": True}),
        (
            dict[str, int] | None,
            {"anyOf": [{"type": "object", "additionalProperties": {"type": "integer"}}, {"type": "null"}]},
        ),
        (Any, {}),
    ],
)
def test_types_have_their_json(hint: Any, schema: dict[str, Any]) -> None:
    assert schema_of(hint) == schema


def test_a_type_that_json_does_not_have_is_found_when_it_is_written_into_an_event() -> None:
    with pytest.raises(TypeError, match="no JSON is known"):
        schema_of(dt.datetime)
