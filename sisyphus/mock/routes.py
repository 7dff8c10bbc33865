"""What a mock server answers to a request, decided without any network."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve

from sisyphus.canned.reply import Reply, problem, reply_of
from sisyphus.errors import StepError
from sisyphus.mock.matching import PathMatch, meets_condition, methods_of, path_matcher, unmet, vagueness
from sisyphus.mock.record import Record
from sisyphus.values.functions import build_functions
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.canned.asked import Asked
    from sisyphus.case.model import MockResponse, MockServer, Route

_DEFAULT: Final = "default_response"

# Whoever can reach the mock chooses what its templates work on, so these read nothing of this machine or the case.
_NOT_FOR_MOCKS: Final = frozenset({"db_query", "env", "file"})


class Routes:
    """The routes of one mock server, how often each of them has answered, and what was asked.

    The highest `priority` is asked first. Among those of the same, a literal path comes before one with `{parameters}`,
    whichever stands first (`/users/me` is not the user "me"), and both before `regex` and `contains`; then those that
    stand first in the file.

    Attributes:
        record: the requests so far.
    """

    def __init__(self, server: MockServer) -> None:
        entries = [_Entry.of(route, index, server.seed) for index, route in enumerate(server.routes)]
        self.record: Final = Record()
        self._entries: Final = sorted(entries, key=lambda one: (-one.route.priority, vagueness(one.route)))
        self._listed: Final = [f"{route.method.upper()} {route.path}" for route in server.routes]
        self._default: Final = server.default_response
        self._lot: Final = _lot(server.seed, _DEFAULT)
        self._names: Final = {**mock_functions(server), "mock": self.record}

    def answer(self, asked: Asked) -> Reply:
        """Decides what is answered, and remembers what was asked; a route with several responses moves on.

        What cannot be rendered or evaluated is answered with status 500 and the reason: who tests with this mock looks
        at answers.
        """
        request = asked.view()
        reply = self._decided(asked, request)
        self.record.add(request, reply)
        return reply

    def _decided(self, asked: Asked, request: Mapping[str, Any]) -> Reply:
        found: list[_Entry] = []  # those of this path
        missed: list[str] = []
        for entry in self._entries:
            try:
                if (params := entry.match(asked.path)) is None:
                    continue
                found.append(entry)
                if not entry.takes(asked.method):
                    continue
                names = {**self._names, "request": request, "path_params": params}
                response, reason = entry.choose(request, names)
                if response is not None:
                    return evolve(reply_of(response, names, entry.lot), route=entry.label, path_params=params)
            except StepError as exc:
                return cannot_answer(entry.label, exc)
            missed.append(f"{entry.label}: {reason}")
        if found and not missed:
            return self._other_method(asked, found)
        if self._default is not None:
            return self._by_default(self._default, request)
        return self._no_route(asked, missed)

    def _by_default(self, response: MockResponse, request: Mapping[str, Any]) -> Reply:
        names = {**self._names, "request": request, "path_params": {}}
        try:
            return evolve(reply_of(response, names, self._lot), route=_DEFAULT)
        except StepError as exc:
            return cannot_answer(_DEFAULT, exc)

    def _other_method(self, asked: Asked, entries: Sequence[_Entry]) -> Reply:
        methods = sorted({method for entry in entries for method in entry.methods})
        told = tr("the mock server has no {method} for {path}", method=asked.method, path=asked.path)
        content = {"error": told, "method": asked.method, "path": asked.path, "allowed": methods}
        return problem(405, content, ("Allow", ", ".join(methods)))

    def _no_route(self, asked: Asked, missed: Sequence[str]) -> Reply:
        told = tr("the mock server has no route for {method} {path}", method=asked.method, path=asked.path)
        content: dict[str, Any] = {"error": told, "method": asked.method, "path": asked.path, "routes": self._listed}
        return problem(404, {**content, "nearly": list(missed)} if missed else content)


@define(kw_only=True)
class _Entry:
    """A route ready to be matched, and where it is in the turn of its responses."""

    route: Route
    match: PathMatch
    methods: frozenset[str]
    label: str
    lot: random.Random
    given: int = 0

    @classmethod
    def of(cls, route: Route, index: int, seed: int | None) -> _Entry:
        return cls(
            route=route,
            match=path_matcher(route),
            methods=methods_of(route),
            label=route.name or f"{route.method.upper()} {route.path}",
            lot=_lot(seed, index),  # its own, so that what it draws does not depend on what others are asked
        )

    def takes(self, method: str) -> bool:
        return not self.methods or method in self.methods

    def choose(self, request: Mapping[str, Any], names: Mapping[str, Any]) -> tuple[MockResponse | None, str | None]:
        """The response to give, or why there is none."""
        if (reason := unmet(self.route, request)) is not None:
            return None, reason
        if not meets_condition(self.route, names):
            return self.route.else_response, tr("its condition does not hold")
        responses = self.route.responses
        self.given += 1
        return responses[min(self.given, len(responses)) - 1], None


def cannot_answer(route: str | None, reason: object) -> Reply:
    """The reply where what the route says cannot be sent."""
    told = tr("the mock route '{route}' cannot answer: {reason}", route=route, reason=reason)
    return problem(500, {"error": told}, route=route)


def mock_functions(server: MockServer) -> dict[str, Callable[..., Any]]:
    """The functions that templates of a mock server may call."""
    functions = build_functions(seed=server.seed, locale=server.faker_locale)
    own = _own(server) if server.functions else {}
    return {name: function for name, function in functions.items() if name not in _NOT_FOR_MOCKS} | own


def _own(server: MockServer) -> dict[str, Callable[..., Any]]:
    from sisyphus.foreign import LONGEST_CALL
    from sisyphus.values.user_functions import callable_by_templates

    return callable_by_templates(server.functions, lambda: LONGEST_CALL)


def _lot(seed: int | None, whose: object) -> random.Random:
    return random.Random(None if seed is None else f"{seed}/{whose}")  # noqa: S311 - chances of a test, not secrets
