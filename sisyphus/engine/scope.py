"""The variables of one case, in their layers."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sisyphus.errors import StepError, TemplateError, UndefinedName
from sisyphus.values.template import render
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Self


class Names(dict[str, Any]):
    """What templates can name; a name whose definition failed raises that failure when it is used."""

    __slots__ = ("broken",)

    def __init__(self, broken: Mapping[str, StepError], *layers: Mapping[str, Any]) -> None:
        super().__init__()
        self.broken = broken
        for layer in layers:
            self.update(layer)

    def plus(self, **more: Any) -> Names:
        """A copy with some names more, or with other values."""
        return Names(self.broken, self, more)

    def __missing__(self, name: str) -> Any:
        if name in self.broken:
            raise self.broken[name]
        raise KeyError(name)


class Environment(dict[str, str]):
    """``env`` of templates: a mapping, ``${env.HOME}``, that can be called, ``${env('HOME', 'none')}``."""

    def __init__(self, values: Mapping[str, str], call: Callable[..., Any]) -> None:
        super().__init__(values)
        self._call = call

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._call(*args, **options)


def _forget(_name: str, _value: Any) -> None:
    """Keeps nothing in mind."""


class Scope:
    """The names of one case: built-in ones, its variables, those of a round of steps, and a step's own.

    Args:
        builtins: see below.
        definitions: the case's variables as written; they may name each other.
        given: variables whose values are data and no templates.
        legacy: the lenient dialect.
        learn: is told each variable and its value, since some are secrets.

    Attributes:
        variables: the case's variables; what the run sets is written here.
        builtins: functions, `config`, `env`, `response`, `steps`, …; a variable of the same name hides one.
    """

    def __init__(
        self,
        builtins: dict[str, Any],
        definitions: Mapping[str, Any],
        *,
        given: Mapping[str, Any] | None = None,
        legacy: bool = False,
        learn: Callable[[str, Any], None] = _forget,
    ) -> None:
        self.builtins = builtins
        self._learn = learn
        self._legacy = legacy
        self._warnings: dict[str, None] = {}  # each once: a load renders without end
        self._local: tuple[dict[str, Any], ...] = ()  # one for each round around, the innermost last
        self._changes: dict[str, Any] | None = None  # what was set in a fork
        self._followed: dict[str, Any] = {}  # what others had set that it came after
        self._steps_before: Mapping[str, Any] = {}  # `steps` as they were when it was forked
        given = dict(given or {})
        own = {name: value for name, value in definitions.items() if name not in given} if given else definitions
        resolving = _Resolving(own, {**builtins, **given} if given else builtins, self._render)
        resolved, self._broken = resolving.resolve_all()
        self.variables = given | resolved
        for name, value in self.variables.items():
            learn(name, value)

    @property
    def broken(self) -> Mapping[str, StepError]:
        """The variables whose definition failed, and why."""
        return self._broken

    def names(self, own: Mapping[str, Any] | None = None) -> Names:
        """All names as they are now; `own` (a step's variables, templates allowed) hides the case's.

        Raises:
            StepError: one of `own` cannot be evaluated.
        """
        names = Names(self._broken, self.builtins, self.variables, *self._local)
        if own:
            values, broken = _Resolving(own, names, self._render).resolve_all()
            for error in broken.values():
                raise error
            names.update(values)
            for name, value in values.items():
                self._learn(name, value)
        return names

    def set(self, name: str, value: Any) -> None:
        """Gives a variable a value that the run found."""
        self.variables[name] = value
        self._learn(name, value)
        if self._changes is not None:
            self._changes[name] = value
        for names in reversed(self._local):
            if name in names:
                names[name] = value  # of the round that has such a name, be it one further out
                return

    def set_local(self, name: str, value: Any) -> None:
        """Gives a name of this round a value."""
        if not self._local:
            self._local = ({},)
        self._local[-1][name] = value

    def inner(self, names: Mapping[str, Any]) -> Self:
        """The same scope with some names that hide the variables of the case: `item`, `index` of a loop."""
        return self._copied(_local=(*self._local, dict(names)))

    def forked(self) -> Self:
        """A copy of all that steps can set; `merge` brings back what they did set."""
        steps = self.builtins.get("steps", {})
        return self._copied(
            variables=dict(self.variables),
            builtins={**self.builtins, "steps": dict(steps)},
            _local=tuple(map(dict, self._local)),
            _changes={},
            _followed={},
            _steps_before=dict(steps),
        )

    def _copied(self, **other: Any) -> Self:
        clone = copy.copy(self)
        vars(clone).update(other)
        return clone

    @property
    def changes(self) -> Mapping[str, Any]:
        """What was set in this fork."""
        return self._changes or {}

    def merge(self, fork: Scope) -> None:
        """Takes over what was set in a fork, later ones over earlier ones."""
        for name, value in fork.changes.items():
            self.set(name, value)
        self._take_steps(fork)

    def follow(self, fork: Scope) -> None:
        """Sees what was set in a fork beside this one, and before it; that is the other's to bring back."""
        own, self._changes = self._changes, None
        for name, value in {**fork._followed, **fork.changes}.items():
            self.set(name, value)
            self._followed[name] = value
        self._changes = own
        self._take_steps(fork)

    def _take_steps(self, fork: Scope) -> None:
        # Only what is new: a fork made before another one's steps ran anew knows their older outcomes.
        before = fork._steps_before
        new = {id_: step for id_, step in fork.builtins["steps"].items() if before.get(id_) is not step}
        if new:
            self.builtins.setdefault("steps", {}).update(new)

    def render(self, value: Any, names: Mapping[str, Any]) -> Any:
        """`value` with its templates evaluated once, in the case's dialect."""
        return self._render(value, names)

    def render_whole(self, value: Any, names: Mapping[str, Any]) -> Any:
        """As `render`, but in the lenient dialect too values keep their types, and what is undefined is an error.

        For what the engine itself goes by (URLs, times, lists to go through) and not only sends.
        """
        return render(value, names)

    def take_warnings(self) -> list[str]:
        """What rendering warned of since the last call (`compat: legacy`), each once."""
        warnings = list(self._warnings)
        self._warnings.clear()
        return warnings

    def _render(self, value: Any, names: Mapping[str, Any]) -> Any:
        return render(value, names, legacy=self._legacy, warn=self._warn)

    def _warn(self, message: str) -> None:
        self._warnings[message] = None


class _Resolving(Mapping[str, Any]):
    """Definitions that may name each other, evaluated on demand, each once."""

    def __init__(
        self,
        definitions: Mapping[str, Any],
        outer: Mapping[str, Any],
        evaluate: Callable[[Any, Mapping[str, Any]], Any],
    ) -> None:
        self._definitions = definitions
        self._outer = outer
        self._evaluate = evaluate
        self._values: dict[str, Any] = {}
        self._underway: list[str] = []

    def resolve_all(self) -> tuple[dict[str, Any], dict[str, StepError]]:
        """All values in the order of the definitions, and the failures of those that have none."""
        broken: dict[str, StepError] = {}
        for name in self._definitions:
            try:
                self[name]
            except StepError as exc:
                broken[name] = exc
        return {name: self._values[name] for name in self._definitions if name in self._values}, broken

    def __getitem__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name not in self._definitions:
            return self._outer[name]
        if name in self._underway:
            if name == self._underway[-1] and name in self._outer:
                return self._outer[name]  # a step's `n: "${n}"` means the case's n
            cycle = " → ".join([*self._underway[self._underway.index(name) :], name])
            raise TemplateError(tr("variables refer to each other in a circle: {cycle}", cycle=cycle))
        self._underway.append(name)
        try:
            value = self._evaluate(self._definitions[name], self)
        except UndefinedName as exc:
            raise TemplateError(
                tr("variable '{name}': {reason}", name=name, reason=exc), suggestion=exc.suggestion
            ) from exc
        finally:
            self._underway.pop()
        self._values[name] = value
        return value

    def __iter__(self) -> Iterator[str]:
        yield from self._definitions
        yield from (name for name in self._outer if name not in self._definitions)

    def __len__(self) -> int:
        return len(set(self._definitions) | set(self._outer))
