"""Facts to the JSON of the live protocol and back, by cattrs."""

from __future__ import annotations

import base64
import datetime as dt
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
import cattrs
from attrs import frozen
from cattrs.gen import make_dict_unstructure_fn, override

from sisyphus.comparable import Comparable
from sisyphus.events import DATA_TYPES, Event, Logged, Progressed, StepFinished, StepStarted, VariableSet
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.events import Data

_converter: Final = cattrs.Converter()
# Values of variables and contexts are JSON already or nearly, and `dumps` sees to the rest: a converter that walked
# through them would be slow, and would come to the end of Python's stack where a body is nested some hundred levels.
_AS_IT_IS: Final = override(unstruct_hook=lambda value: value)
_converter.register_unstructure_hook(
    VariableSet, make_dict_unstructure_fn(VariableSet, _converter, variable_value=_AS_IT_IS)
)
_converter.register_unstructure_hook(Logged, make_dict_unstructure_fn(Logged, _converter, context=_AS_IT_IS))
_IF_GIVEN: Final = override(omit_if_default=True)
_converter.register_unstructure_hook(
    Progressed, make_dict_unstructure_fn(Progressed, _converter, cases_completed=_IF_GIVEN, cases_total=_IF_GIVEN)
)
for _of_a_step in (StepStarted, StepFinished):
    _converter.register_unstructure_hook(
        _of_a_step,
        make_dict_unstructure_fn(
            _of_a_step, _converter, path=_IF_GIVEN, parent=_IF_GIVEN, iteration=_IF_GIVEN, role=_IF_GIVEN
        ),
    )

# Readers take so much and no more: Python's `websockets` and trio-websocket close a connection over a message of more than
# 1 MiB, and one variable that holds a whole answer must not cost a watcher the rest of the run.
LARGEST: Final = 1_000_000

_KEPT: Final = 10_000  # characters of a value that makes a message too large

_BY_TYPE: Final[dict[str, type[Data]]] = {cls.type: cls for cls in DATA_TYPES}


@frozen(kw_only=True, eq=False, repr=False)
class Received(Comparable):
    """An event as a watcher got it."""

    seq: int
    run_id: str
    event: Event


def encode(event: Event, *, seq: int, run_id: str) -> bytes:
    """The event as one JSON object in UTF-8, without line breaks; keys and values as the live protocol says.

    A message of more than `LARGEST` bytes has its long values replaced by the beginning of their text, and says so.
    """
    data = event.data
    message = {
        "type": data.type,
        "timestamp": event.timestamp.isoformat(timespec="milliseconds"),
        "data": _unstructure(data),
        "test_case_id": event.test_case_id,
        "step_name": event.step_name,
        "run_id": run_id,
        "seq": seq,
    }
    payload = dumps(message).encode()
    return payload if len(payload) <= LARGEST else dumps(_shortened(message)).encode()


def _shortened(message: dict[str, Any]) -> dict[str, Any]:
    data = {key: _beginning(value) for key, value in message["data"].items()}
    if isinstance(data.get("context"), str):
        data["context"] = {"text": data["context"]}  # it is an object, however long
    return {**message, "data": data, "step_name": _beginning(message["step_name"])}


def _beginning(value: Any) -> Any:
    text = value if isinstance(value, str) else dumps(value)
    if len(text) <= _KEPT:
        return value
    return tr("{text}… (shortened: {count} characters)", text=text[:_KEPT], count=len(text))


def always_sent(cls: type[Data]) -> frozenset[str]:
    """The keys that the `data` of every such event has; others are left out where they would say nothing."""
    needed = [field.name for field in attrs.fields(cls) if field.default is attrs.NOTHING]
    nothing: dict[str, Any] = dict.fromkeys(needed)
    return frozenset(_unstructure(cls(**nothing)))


def decode(message: str | bytes) -> Received:
    """The event that `encode` made these bytes of; what only reports know (`Event.result`) is lost.

    Raises:
        ValueError: not a message of the protocol.
    """
    return received(json.loads(message))


def received(raw: Any) -> Received:
    """The event that a message, parsed already, tells.

    Raises:
        ValueError: not a message of the protocol.
    """
    if not isinstance(raw, dict) or raw.get("type") not in _BY_TYPE:
        raise ValueError(f"not an event of the live protocol: {str(raw)[:80]!r}")
    try:
        event = Event(
            data=_converter.structure(raw["data"], _BY_TYPE[raw["type"]]),
            timestamp=dt.datetime.fromisoformat(raw["timestamp"]),
            test_case_id=raw["test_case_id"],
            step_name=raw["step_name"],
        )
        return Received(seq=raw["seq"], run_id=raw["run_id"], event=event)
    except (cattrs.BaseValidationError, KeyError, TypeError) as exc:
        raise ValueError(f"not a whole event of the live protocol: {str(raw)[:80]!r}") from exc


def dumps(value: Any, *, indent: int | None = None) -> str:
    """JSON that any reader takes: what JSON cannot say is said as text, never as NaN or half a character."""
    try:
        text = (_COMPACT if indent is None else _encoder(indent)).encode(value)
        text.encode()
    except (ValueError, TypeError, RecursionError):
        # A NaN, half of a surrogate pair, a key that is no text: rare, so the careful way is the slow way.
        text = _encoder(indent, ensure_ascii=True).encode(careful(value))
    return text


def _encoder(indent: int | None, *, ensure_ascii: bool = False) -> json.JSONEncoder:
    separators = (",", ":") if indent is None else None
    return json.JSONEncoder(
        ensure_ascii=ensure_ascii, allow_nan=False, separators=separators, indent=indent, default=plain
    )


def plain(value: Any) -> Any:
    """What stands in JSON for a value that JSON does not have."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | set | frozenset):
        return list(value)
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value)


_COMPACT: Final = _encoder(None)  # made once: json.dumps makes one a call

_DEEPEST: Final = 200  # deeper than any real document, and well within what json can write


def careful(value: Any, depth: int = 0) -> Any:
    """A copy with text for keys, `NaN` and infinities, whole characters only, and what is too deep cut off."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        # Two halves that belong together become their character, a half that stands alone becomes U+FFFD.
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {careful(str(key)): careful(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [careful(inner, depth + 1) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return careful(plain(value), depth + 1)


def _flat(cls: type[Data]) -> Callable[[Data], dict[str, Any]]:
    hook: Callable[[Data], dict[str, Any]] = _converter.get_unstructure_hook(cls)
    return hook


_hooks: Final[dict[type, Callable[[Any], dict[str, Any]]]] = {}


def _unstructure(data: Data) -> dict[str, Any]:
    cls = type(data)
    hook = _hooks.get(cls)
    if hook is None:  # made at the first event of its type: start-up time is a feature
        attrs.resolve_types(cls)
        hook = _hooks[cls] = _flat(cls)
    return hook(data)
