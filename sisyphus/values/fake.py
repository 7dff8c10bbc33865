"""`faker` of templates: ``${faker.name()}``, ``${faker('email', locale='zh_CN')}``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random


class Fake(Mapping[str, Callable[..., Any]]):
    """The methods of Faker's providers by name, and nothing else of it; it can be called with such a name too.

    Every case has one, and hardly any uses it: all the rest is in a module that the first value asks for.

    Args:
        source: where chance comes from.
        locale: of the values for which none is given.
    """

    def __init__(self, source: random.Random, locale: str | None = None) -> None:
        self._source = source
        self._locale = locale

    def __call__(self, name: Any = None, *args: Any, **options: Any) -> Any:
        return self[name](*args, **options)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        from sisyphus.values._faker import method

        return method(name, self._source, self._locale)

    def __iter__(self) -> Iterator[str]:
        from sisyphus.values._faker import names

        return iter(names(self._locale))

    def __len__(self) -> int:
        return sum(1 for _ in self)
