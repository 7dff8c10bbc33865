"""A request as those who make up its answer see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from attrs import field, frozen

_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 10_000  # of a form: everything waits while they are taken apart


@frozen(kw_only=True)
class Asked:
    """A request that wants an answer; `headers` finds names in any case.

    Attributes:
        path: decoded, without the query.
        query: by name; a list where a name came several times.
        body: as text; empty if there was none.
    """

    method: str
    path: str
    url: str = ""
    query: Mapping[str, str | list[str]] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    body: str = ""

    def view(self) -> dict[str, Any]:
        """The request as conditions and templates see it; `json` is null if the body is not JSON, `form` if no form.

        A form with more than `_MOST_FIELDS` fields is none.
        """
        return {
            "method": self.method,
            "path": self.path,
            "url": self.url,
            "query": self.query,
            "query_params": self.query,
            "headers": self.headers,
            "cookies": _cookies(self.headers.get("Cookie", "")),
            "body": self.body,
            "json": _json(self.body),
            "form": self._form(),
        }

    def _form(self) -> dict[str, Any] | None:
        media_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != _FORM:
            return None
        try:
            return _single(parse_qs(self.body, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
        except ValueError:
            return None


def _json(text: str) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None


def _cookies(header: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in header.split(";") if "=" in pair)
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _single(fields: Mapping[str, list[str]]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
