"""Which of the loaded cases are run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from attrs import frozen

from sisyphus.case.model import Case
from sisyphus.errors import UsageError, nearest
from sisyphus.tags import TagExpression
from sisyphus.words import tr


@frozen
class Shard:
    """One of several parts of a run: `index` counts from 1."""

    index: int
    count: int

    def part_of(self, cases: Sequence[Case]) -> list[Case]:
        """Every `count`-th case: parts differ by one case at most, and neighbours, which often are alike, are spread."""
        return list(cases[self.index - 1 :: self.count])


@frozen(kw_only=True)
class Selection:
    """What is asked for; each part narrows down what those before it left.

    Attributes:
        tags: holds of the tags of each case to run.
        exclude_tags: holds of none of them.
        failed: gives of some cases those that failed when they last ran.
        shard: the part of what is left.
    """

    tags: TagExpression | None = None
    exclude_tags: TagExpression | None = None
    failed: Callable[[Sequence[Case]], Sequence[Case]] | None = None
    shard: Shard | None = None

    def of(self, cases: Sequence[Case]) -> list[Case]:
        """The cases to run, in the order given.

        Raises:
            UsageError: the tags select none, which a mistyped tag must not do silently. An empty shard is none's fault.
        """
        return self.among_rows(self.before_rows(cases))

    def before_rows(self, cases: Sequence[Case]) -> list[Case]:
        """The cases that the tags select, which rows have no say in.

        Raises:
            UsageError: they select none.
        """
        chosen = list(cases)
        if self.tags is not None:
            chosen = [case for case in chosen if self.tags.holds(case.tags)]
        if self.exclude_tags is not None:
            chosen = [case for case in chosen if not self.exclude_tags.holds(case.tags)]
        if cases and not chosen:
            raise UsageError(self._nothing_of(cases))
        return chosen

    def among_rows(self, cases: Sequence[Case]) -> list[Case]:
        """Of these cases, each row being one, those that failed, and of these the part that is asked for."""
        chosen = list(cases if self.failed is None else self.failed(cases))
        return chosen if self.shard is None else self.shard.part_of(chosen)

    def _nothing_of(self, cases: Sequence[Case]) -> str:
        known = list(dict.fromkeys(tag for case in cases for tag in case.tags))
        asked = [
            f"{option} {expression.text!r}"
            for option, expression in (("--tags", self.tags), ("--exclude-tags", self.exclude_tags))
            if expression is not None
        ]
        named = self.tags.named if self.tags is not None else ()
        return tr(
            "none of the {count} cases is selected by {asked}", count=len(cases), asked=" ".join(asked)
        ) + f" ({_hint(named, known)})"  # fmt: skip


def _hint(named: Iterable[str], known: Sequence[str]) -> str:
    for name in named:
        if name not in known and (near := nearest(name, known)) is not None:
            return tr("did you mean '{near}'?", near=near)
    if not known:
        return tr("the cases have no tags; write for example {example}", example="tags: [smoke]")
    return tr("their tags are {tags}", tags=", ".join(sorted(known)))
