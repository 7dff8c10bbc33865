"""What a mock server was asked, for validations and templates to look at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from sisyphus.canned.reply import Reply

# Older requests are forgotten, so that a mock under load does not fill the memory.
MOST_REQUESTS: Final = 1_000
MOST_TEXT: Final = 8 * 1024 * 1024  # characters of all their bodies; the last request is kept whatever its size

_KEYS: Final = ("requests", "count", "url")


class Record(Mapping[str, Any]):
    """``mock`` of templates and validations: `requests`, the oldest first; `count`, of all there were; `url`."""

    def __init__(self) -> None:
        self.url: str | None = None
        self.count = 0
        self._kept: Final[deque[dict[str, Any]]] = deque()
        self._text = 0

    def add(self, request: Mapping[str, Any], reply: Reply) -> None:
        """Remembers a request and what was made of it; `status_code` is null where nothing is answered."""
        kept = {
            **request,
            "route": reply.route,
            "path_params": reply.path_params,
            "status_code": reply.status_code if reply.ending == "answer" else None,
        }
        self.count += 1
        self._kept.append(kept)
        self._text += len(kept["body"])
        while len(self._kept) > MOST_REQUESTS or (self._text > MOST_TEXT and len(self._kept) > 1):
            self._text -= len(self._kept.popleft()["body"])

    def __getitem__(self, key: str) -> Any:
        if key == "requests":
            return list(self._kept)  # a copy: what a step took out does not change when the next request comes
        if key in _KEYS:
            return getattr(self, key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(_KEYS)

    def __len__(self) -> int:
        return len(_KEYS)
