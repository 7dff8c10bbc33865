"""The protocol as an AsyncAPI 3.0 document, made from the classes of the events."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Union, get_args, get_origin, get_type_hints

from sisyphus.events import DATA_TYPES
from sisyphus.live.asking import TYPES
from sisyphus.live.control import PROTOCOL
from sisyphus.live.looking import MOST
from sisyphus.version import __version__
from sisyphus.wire import always_sent

if TYPE_CHECKING:
    from sisyphus.events import Data

Schema = dict[str, Any]

_SIMPLE: Final[dict[Any, str]] = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
_SEQ: Final[Schema] = {"type": "integer", "minimum": 0}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}

# What a watcher may ask for in the address.
_QUERY: Final[Schema] = {
    "from": {"enum": ["start", "live"], "default": "start"},
    "after": {"type": "string", "pattern": "^[0-9]+$", "description": "only events with a greater seq"},
    "types": {"type": "string", "description": f"event types, with commas between them: {','.join(TYPES)}"},
    "case": {"type": "string", "description": "only events with this test_case_id"},
    "token": {"type": "string"},
}

# What the server says for itself: a sentence, the keys of `data`, and those that are always there.
_CONTROL: Final[dict[str, tuple[str, Schema, list[str]]]] = {
    "hello": (
        "The first message: what is kept now, and how it is with the run.",
        {
            "protocol": {"const": PROTOCOL},
            "engine_version": {"type": "string"},
            "run_id": {"type": "string"},
            "first_seq": _SEQ,
            "last_seq": _SEQ,
            "run_state": {"enum": ["waiting", "running", "finished"]},
        },
        ["protocol", "engine_version", "run_id", "first_seq", "last_seq", "run_state"],
    ),
    "recovered": (
        "The second, after `after=`: whether everything since then follows, or which events are lost.",
        {"recovered": {"type": "boolean"}, "gap": {"type": "array", "items": _SEQ, "minItems": 2, "maxItems": 2}},
        ["recovered"],
    ),
    "lag": (
        "The reader is so many events behind, and will be closed if it does not catch up.",
        {"behind": _SEQ},
        ["behind"],
    ),
    "close": (
        "The last of a stream of Server-Sent Events: what a WebSocket's close frame says.",
        {"code": {"type": "integer"}, "reason": {"type": "string"}},
        ["code", "reason"],
    ),
}

# What is answered once, to who asks for single steps.
_DETAILS: Final[Schema] = {
    "description": "Steps by the seq of the event that ended them, as in the JSON result; null for one that is not kept.",
    "type": "object",
    "patternProperties": {"^[1-9][0-9]*$": {"type": ["object", "null"]}},
    "additionalProperties": False,
}

# Where the run asks for a token, one of these shows it.
_SECURITY: Final = [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("header", "query")]


def description(host: str, *, secure: bool = False) -> Schema:
    """The document, for a server that is reached at ``HOST:PORT``."""
    events = [cls.type for cls in DATA_TYPES]
    words = list(_CONTROL)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sisyphus live events",
            "version": __version__,
            "description": "The events of one test run: from its start, live, to any number of watchers.",
            "license": {"name": "MIT"},
        },
        "defaultContentType": "application/json",
        "servers": {"run": {"host": host, "protocol": "wss" if secure else "ws", "security": _SECURITY}},
        "channels": {
            "websocket": _channel(
                "/", [*events, *words[:-1]],
                f"One text frame per message; control messages only with the subprotocol {PROTOCOL}.", _QUERY,
            ),
            "events": _channel(
                "/events", [*events, *words],
                "Server-Sent Events, with the seq as id and control messages as named events; or lines of JSON.",
                {**_QUERY, "format": {"enum": ["sse", "ndjson"], "default": "sse"}},
            ),
            "details": _channel(
                "/details", ["details"], f"One object, whose size nothing bounds: what came of 1 to {MOST} steps.",
                {"seq": {**_SEQ, "minimum": 1, "description": "may stand there several times"}, "token": _QUERY["token"]},
            ),
        },
        "operations": {
            f"send_{name}": {"action": "send", "channel": {"$ref": f"#/channels/{name}"}}
            for name in ("websocket", "events", "details")
        },
        "components": {
            "messages": {name: _message(name) for name in (*events, *words, "details")},
            "schemas": {
                **{cls.type: _event(cls) for cls in DATA_TYPES},
                **{name: _control(name) for name in words},
                "details": _DETAILS,
            },
            "securitySchemes": {
                "header": {"type": "http", "scheme": "bearer"},
                "query": {"type": "httpApiKey", "name": "token", "in": "query"},
            },
        },
    }  # fmt: skip


def schema_of(hint: Any) -> Schema:
    """What values of a type look like in JSON."""
    if hint is Any:
        return {}
    if hint in _SIMPLE:
        return {"type": _SIMPLE[hint]}
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin is Literal:
            return {"enum": list(arguments)}
        case origin if origin in {Union, types.UnionType}:
            return _any_of(map(schema_of, arguments))
        case origin if origin is dict:
            return {"type": "object", "additionalProperties": schema_of(arguments[1]) or True}
        case origin if origin in {list, tuple, Iterable}:
            return {"type": "array", "items": schema_of(arguments[0])}
        case _:
            raise TypeError(f"no JSON is known for {hint!r}")


def _any_of(schemas: Iterable[Schema]) -> Schema:
    each = list(schemas)
    if all(schema.keys() == {"type"} for schema in each):
        return {"type": [schema["type"] for schema in each]}
    return {"anyOf": each}


def _event(cls: type[Data]) -> Schema:
    hints = get_type_hints(cls)
    properties = {name: schema_of(hint) for name, hint in hints.items() if get_origin(hint) is not ClassVar}
    data = _object(properties, [name for name in properties if name in always_sent(cls)])
    return _envelope(cls.type, data, _sentence(cls), seq=True)


def _control(name: str) -> Schema:
    summary, properties, required = _CONTROL[name]
    return _envelope(name, _object(properties, required), summary, seq=False)


def _envelope(kind: str, data: Schema, summary: str, *, seq: bool) -> Schema:
    properties: Schema = {"type": {"const": kind}, "timestamp": _TIME, "data": data}
    if seq:
        properties |= {"test_case_id": {"type": ["string", "null"]}, "step_name": {"type": ["string", "null"]}}
    properties["run_id"] = {"type": "string"}
    if seq:
        properties["seq"] = {"type": "integer", "minimum": 1}
    return _object(properties, list(properties), summary)


def _object(properties: Schema, required: list[str], summary: str | None = None) -> Schema:
    head = {} if summary is None else {"description": summary}
    return {**head, "type": "object", "properties": properties, "required": required}


def _message(name: str) -> Schema:
    return {"name": name, "payload": {"$ref": f"#/components/schemas/{name}"}}


def _channel(address: str, names: list[str], summary: str, query: Schema) -> Schema:
    return {
        "address": address,
        "description": summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET", "query": _object(query, []), "bindingVersion": "0.1.0"}},
    }


def _sentence(cls: type) -> str:
    return (cls.__doc__ or "").strip().split("\n", 1)[0]
