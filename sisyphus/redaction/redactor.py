"""Events and results without the secrets of their case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from operator import is_
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from sisyphus.case.model import ABSENT
from sisyphus.events import (
    CaseFinished,
    CaseStarted,
    ErrorOccurred,
    Logged,
    Progressed,
    StepFinished,
    StepStarted,
    VariableSet,
)
from sisyphus.redaction.beside import MASK, BesideNames
from sisyphus.redaction.names import SensitiveNames
from sisyphus.redaction.secrets import DEEPEST, Secrets
from sisyphus.results import CaseResult, StepResult
from sisyphus.wire import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal, TypeVar

    from sisyphus.case.model import Extractor
    from sisyphus.events import Data
    from sisyphus.results import Attempt, ErrorInfo
    from sisyphus.values.validate import CheckResult

    T = TypeVar("T")

_PLAIN: Final = frozenset({int, float, bool, type(None)})  # they are shown as they are, if their name tells no secret
_SHOWN: Final = 2  # characters at each end with `partial`
_PARTIAL_FROM: Final = 8

# What is told of one step is told of the next: names, headers, types. What they are searched for once.
_REMEMBERED: Final = 500
_SHORT: Final = 100  # characters; so that thousands of cases may remember

_WORD: Final = re.compile(r"[^\W\d][\w-]*")  # of a path, a pattern, the name of a header


class Redactor:
    """Takes the secrets of one case out of what is told about it.

    Args:
        fields: names that are secrets besides the built-in ones.
        strategy: `full` leaves nothing of a value, `partial` two characters at each end, `none` masks nothing.
        details: whether the whole responses of steps go on; if nobody keeps them they are left out, which is cheaper.
        shared: secret values that all cases have, those of the environment.
        ledger: gets every secret value that is learnt, for what is said of all cases together.
    """

    def __init__(
        self,
        fields: Iterable[str] = (),
        strategy: Literal["full", "partial", "none"] = "full",
        *,
        details: bool = True,
        shared: Secrets | None = None,
        ledger: Secrets | None = None,
    ) -> None:
        self._names = SensitiveNames(fields)
        self._beside = BesideNames(self._names, self.mask)
        self._secrets = Secrets()
        self._shared = shared
        self._ledger = ledger
        self._strategy = strategy
        self._details = details
        self._clean: set[str] = set()
        self._harmless: set[str] = set()  # of these, keys that are no names of secrets
        self._searched = 0  # the version of the secrets that they are without

    def learn(self, name: str, value: Any, depth: int = 0) -> None:
        """Remembers the value of a variable if its name, or a key inside it, says that it is secret."""
        if self._strategy == "none" or depth > DEEPEST:
            return
        if name in self._names:
            self._remember(value)
        elif isinstance(value, Mapping):
            for key, inner in value.items():
                self.learn(str(key), inner, depth + 1)
        elif isinstance(value, list | tuple):
            for inner in value:
                self.learn("", inner, depth + 1)

    def learn_found(self, extractor: Extractor, value: Any) -> None:
        """Remembers what was found where the names of the way to it, or of the header, say that it is secret.

        The variable may have any name. A number is one only if the last name says so: a `token.lifetime` of 3600 would
        be masked wherever there is such a number.
        """
        if self._strategy == "none":
            return
        words = [word for text in (extractor.path, extractor.pattern) if text for word in _WORD.findall(text)]
        sensitive = extractor.type == "cookie" or any(word in self._names for word in words)
        if sensitive and (isinstance(value, str) or not words or words[-1] in self._names):
            self._remember(value)
        if extractor.scope == "step":  # what becomes a variable is learnt when it does
            self.learn(extractor.name, value)

    def _remember(self, value: Any) -> None:
        self._secrets.add(value)
        if self._ledger is not None:
            self._ledger.add(value)

    def mask(self, value: Any) -> str:
        """What stands for a secret value."""
        text = str(value)
        if self._strategy == "partial" and len(text) >= _PARTIAL_FROM:
            return f"{text[:_SHOWN]}{MASK}{text[-_SHOWN:]}"
        return MASK

    def text(self, text: str) -> str:
        """A text without secrets; the very same where there were none."""
        if self._strategy == "none" or not text:
            return text
        if self._searched != self._secrets.version:
            self._forget()
        elif text in self._clean:
            return text
        clean = self._searched_through(text)
        if clean != text:
            return clean
        if len(text) <= _SHORT:
            if len(self._clean) >= _REMEMBERED:
                self._forget()
            self._clean.add(text)
        return text

    def _forget(self) -> None:
        self._searched = self._secrets.version
        self._clean.clear()
        self._harmless.clear()

    def _searched_through(self, text: str) -> str:
        text = self._secrets.scrubbed(text, self.mask)
        if self._shared is not None:
            text = self._shared.scrubbed(text, self.mask)
        return self._beside.masked(text)

    def value(self, value: Any, depth: int = 0) -> Any:
        """A value without secrets: a copy where anything had to be masked, else the value itself."""
        if value.__class__ in _PLAIN:
            return self.mask(value) if value in self._secrets.numbers else value
        if self._strategy == "none":
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth > DEEPEST:
            return "…"
        if value.__class__ is dict or isinstance(value, Mapping):
            return self._mapping(value, depth)
        if isinstance(value, list | tuple):
            items = [self.value(item, depth + 1) for item in value]
            return value if all(map(is_, items, value)) else items
        return value

    def _mapping(self, value: Mapping[Any, Any], depth: int) -> Mapping[Any, Any]:
        # Of what is told of a step, most is seen here; most of it is what was seen of the step before.
        items: dict[Any, Any] = {}
        same = True
        if self._searched != self._secrets.version:
            self._forget()
        numbers = self._secrets.numbers
        for key, inner in value.items():
            if key in self._harmless:
                plain = inner.__class__ in _PLAIN and inner not in numbers
                clean = inner if plain else self.value(inner, depth + 1)
                items[key] = clean
                same = same and clean is inner
                continue
            sensitive = key in self._names
            shown = self.text(key) if isinstance(key, str) else key
            clean = items[shown] = self._all_of(inner, depth) if sensitive else self.value(inner, depth + 1)
            same = same and clean is inner and shown is key
            if not sensitive and shown in self._clean:
                self._harmless.add(shown)
        return value if same else items

    def _all_of(self, value: Any, depth: int = 0) -> Any:
        """All that stands under a sensitive name; what is no text or number tells nothing."""
        if value is None or isinstance(value, bool) or value == "":
            return value
        if depth > DEEPEST:
            return MASK
        if isinstance(value, Mapping):
            return {key: self._all_of(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self._all_of(inner, depth + 1) for inner in value]
        return self.mask(value)

    def data(self, data: Data) -> Data:
        """The data of an event without secrets."""
        if self._strategy == "none":
            return data
        text = self.text
        match data:
            case Progressed() | CaseFinished():
                return data
            case StepStarted() | StepFinished():
                return _changed(data, step_name=text(data.step_name))
            case CaseStarted():
                return _changed(data, test_name=text(data.test_name), description=_maybe(text, data.description))
            case Logged():
                context = self.value(data.context) if data.context else data.context
                return _changed(data, message=text(data.message), context=context)
            case ErrorOccurred():
                return _changed(
                    data, message=text(data.message), suggestion=text(data.suggestion),
                    step_name=_maybe(text, data.step_name),
                )  # fmt: skip
            case VariableSet():
                sensitive = data.variable_name in self._names
                value = data.variable_value
                return _changed(data, variable_value=self._all_of(value) if sensitive else self.value(value))

    def result(self, result: StepResult | CaseResult | None) -> StepResult | CaseResult | None:
        """A result without secrets."""
        if result is None or (self._strategy == "none" and self._details):
            return result
        return self._step(result) if isinstance(result, StepResult) else self._case(result)

    def _step(self, step: StepResult) -> StepResult:
        if not self._details:
            # The numbers of a load are told with the step, whoever keeps answers.
            numbers = (step.response or {}).get("performance") if step.type == "load" else None
            step = evolve(step, response={"performance": numbers} if numbers else None, sent=None, extracted={})
        if self._strategy == "none":
            return step
        return _changed(
            step, name=self.text(step.name), reason=_maybe(self.text, step.reason),
            attempts=_each(self._attempt, step.attempts),
            description=_maybe(self.text, step.description), response=self._view(step.response),
            sent=self.value(step.sent),
            checks=_each(self._check, step.checks), extracted=self.value(step.extracted),
            warnings=_each(self.text, step.warnings), error=_maybe(self._error, step.error),
        )  # fmt: skip

    def _case(self, case: CaseResult) -> CaseResult:
        return _changed(
            case, name=self.text(case.name), description=_maybe(self.text, case.description),
            reason=_maybe(self.text, case.reason), error=_maybe(self._error, case.error),
            warnings=_each(self.text, case.warnings),
            about=self.value(case.about),
        )  # fmt: skip

    def _attempt(self, attempt: Attempt) -> Attempt:
        return _changed(attempt, reason=_maybe(self.text, attempt.reason))

    def _error(self, error: ErrorInfo) -> ErrorInfo:
        return _changed(error, message=self.text(error.message), suggestion=self.text(error.suggestion))

    def _view(self, view: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """A response; its `text` says the same as its `body`, so what was masked there is masked here."""
        if view is None:
            return None
        clean: Mapping[str, Any] = self.value(view)
        body = view.get("body")
        if isinstance(body, dict | list) and clean.get("body") is not body:
            clean = {**clean, "text": dumps(clean["body"])}
        return clean

    def _check(self, check: CheckResult) -> CheckResult:
        checks = _each(self._check, check.checks)
        message, about = check.message, check.description
        if check.path is not None and self._asks_for_secret(check.path):
            # What type it is to have, and how long it is to be, tell nothing of it.
            about_it = check.op == "type" or check.op.startswith(("length", "len_"))
            expect = check.expect if about_it else self._all_of_given(check.expect)
            if message is not None:
                for value in (check.actual,) if about_it else (check.expect, check.actual):
                    message = self._without(message, value)
            check = evolve(check, expect=expect, actual=self._all_of_given(check.actual))
        return _changed(
            check, checks=checks, message=_maybe(self.text, message), description=_maybe(self.text, about),
            expect=self.value(check.expect), actual=self.value(check.actual), path=_maybe(self.text, check.path),
        )  # fmt: skip

    def _asks_for_secret(self, path: str) -> bool:
        return any(word in self._names for word in _WORD.findall(path))

    def _all_of_given(self, value: Any) -> Any:
        return value if value is ABSENT else self._all_of(value)

    def _without(self, message: str, value: Any) -> str:
        if value is ABSENT or value is None or isinstance(value, bool) or value == "":
            return message
        if isinstance(value, list | tuple | Mapping):
            for inner in value.values() if isinstance(value, Mapping) else value:
                message = self._without(message, inner)
            return message
        for form in (dumps(value), str(value)):
            # As a whole: `e` is no part of the sentence that says it was expected.
            message = re.sub(rf"(?<!\w){re.escape(form)}(?!\w)", lambda _: self.mask(value), message)
        return message


def _maybe(change: Any, value: T | None) -> T | None:
    return None if value is None else change(value)


def _each(change: Callable[[T], T], values: tuple[T, ...]) -> tuple[T, ...]:
    changed = tuple(map(change, values))
    return values if all(map(is_, changed, values)) else changed


def _changed(value: T, **fields: Any) -> T:
    """`value` with other fields, and itself where they are the same: most of what is told has no secrets."""
    if all(getattr(value, name) is new for name, new in fields.items()):
        return value
    return evolve(value, **fields)  # type: ignore[misc]  # all of them are attrs classes
