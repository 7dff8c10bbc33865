"""What a step sees of what ran before it, and where it stands among the steps around it."""

from __future__ import annotations

import itertools
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from sisyphus.comparable import Comparable
from sisyphus.engine.clean_up import cut_off
from sisyphus.results import Role

if TYPE_CHECKING:
    from sisyphus.engine.scope import Scope
    from sisyphus.results import ErrorInfo

Why = Callable[[], "ErrorInfo | None"]
"""Says why a cancellation came, if it came from where this was made."""


@frozen(kw_only=True, eq=False, repr=False)
class Place(Comparable):
    """Where a step stands; see `sisyphus.results.StepResult` for `path`, `parent`, `iteration` and `role`."""

    index: int
    total: int
    path: str
    parent: str | None = None
    iteration: int | None = None
    role: Role | None = None


@define(kw_only=True, eq=False, repr=False)
class Frame:
    """What the steps of one list share.

    Attributes:
        scope: the variables they see.
        outcomes: status of each step that ended, by name and by id; those of the steps before the one around, too.
        parent: the path of the step around them, or the name of the case's hook; None for the steps of the case.
        iteration: the round of the step around them.
        role: whether they are part of a setup or a teardown, however deep inside.
        why: what may have cancelled them, the innermost last.
    """

    scope: Scope
    outcomes: MutableMapping[str, str] = field(factory=dict)
    parent: str | None = None
    iteration: int | None = None
    role: Role | None = None
    why: tuple[Why, ...] = ()
    _ordinals: Iterator[int] = field(factory=itertools.count)  # of all that runs inside one parent

    def place(self, index: int, total: int) -> Place:
        """The place of the next step to run; `index` is that in its list."""
        if self.parent is None:
            return Place(index=index, total=total, path=str(index))
        path = f"{self.parent}/{next(self._ordinals)}"
        return Place(
            index=index, total=total, path=path, parent=self.parent, iteration=self.iteration, role=self.role
        )  # fmt: skip

    def below(self, parent: str, *, why: Why | None = None, role: Role | None = None) -> Frame:
        """The frame of what runs inside the step at `parent`, in all its rounds."""
        below = Frame(
            scope=self.scope, outcomes=ChainMap({}, self.outcomes), parent=parent, role=self.role,
            why=(*self.why, why) if why is not None else self.why,
        )  # fmt: skip
        return below if role is None else below.as_part_of(role)

    def as_part_of(self, role: Role) -> Frame:
        """The same frame for what is set up or torn down; its paths go on where these are."""
        if self.role == "teardown":
            return self
        # Nothing reaches into a teardown from outside but the end of its time.
        why = (*self.why, cut_off) if role == "teardown" else self.why
        return evolve(self, role=role, why=why)

    def round(
        self, iteration: int | None, names: Mapping[str, Any] | None, *, forked: bool, why: Why | None = None
    ) -> Frame:
        """The frame of one round: names of its own, and a copy of the variables if `forked`."""
        scope = self.scope.forked() if forked else self.scope
        return evolve(
            self, scope=scope.inner(names) if names else scope, outcomes=ChainMap({}, self.outcomes),
            iteration=iteration, why=(*self.why, why) if why is not None else self.why,
        )  # fmt: skip

    def why_cancelled(self) -> ErrorInfo | None:
        """Why the steps of this frame were cancelled, as the innermost that knows says it."""
        return next((why for ask in reversed(self.why) if (why := ask()) is not None), None)
