"""What HTTP takes as a method or as the name of a header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.case.draft import Draft, Findings

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2


def check_method(draft: Draft, found: Findings) -> None:
    """Notes a `method` that can be none; one with a template is left to the run."""
    method = draft.get("method")
    if isinstance(method, str) and not is_token(method):
        found.wrong(draft.place_of("method"), tr("'{method}' is no HTTP method", method=method))


def check_headers(headers: Any, found: Findings) -> None:
    """Notes what cannot be the name of a header."""
    if not isinstance(headers, dict):
        return
    for name in headers:
        if not is_token(name):
            place = (headers.file, *headers.marks[name][:2])  # type: ignore[attr-defined]  # the reader makes nothing but Map
            found.wrong(place, tr("'{name}' cannot be the name of a header", name=name))


def is_token(text: str) -> bool:
    """Whether the text is a token of HTTP, or may become one when its templates are rendered."""
    return _TOKEN.fullmatch(text) is not None or "${" in text or "{{" in text
