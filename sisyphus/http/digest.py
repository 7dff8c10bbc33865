"""Digest authentication (RFC 7616) of one user at one origin: httpx makes the answers, to a challenge that it can answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Challenge = dict[str, str]  # its parameters as they are written, quotes included

UNAUTHORIZED: Final = 401

_ALGORITHMS: Final = frozenset({
    "MD5", "MD5-SESS", "SHA", "SHA-SESS", "SHA-256", "SHA-256-SESS", "SHA-512", "SHA-512-SESS",
})  # fmt: skip
_NAME: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_PART: Final = re.compile(rf"""({_NAME})(?:\s*=\s*("(?:[^"\\]|\\.)*"|{_NAME})|[ \t]*)""")


class Digest:
    """Keeps the last challenge, so that only the first request has to be asked for an answer; until it is stale."""

    def __init__(self, username: str, password: str) -> None:
        self._username: Final = username
        self._auth: Final = httpx.DigestAuth(username, password)

    def sign(self, request: httpx.Request) -> Signature:
        """Answers, for a request that is to be sent, the challenge that came before it, if one did."""
        return Signature(self._auth, self._username, request)


class Signature:
    """The answer of one request to its challenge.

    Attributes:
        authorization: what its header has to say; None as long as there is no challenge.
        unanswered: why there was no answer to a challenge, in the challenge's own words.
    """

    def __init__(self, auth: httpx.DigestAuth, username: str, request: httpx.Request) -> None:
        self._username: Final = username
        self._request: Final = httpx.Request(request.method, request.url)
        self._flow: Final = auth.auth_flow(self._request)
        self.unanswered: str | None = None
        next(self._flow)

    @property
    def authorization(self) -> bytes | None:
        value = dict(self._request.headers.raw).get(b"Authorization")
        if value is None or not {'"', "\\"} & set(self._username):
            return value
        escaped = re.sub(r'(["\\])', r"\\\1", self._username)  # which httpx does not do
        return value.replace(f'username="{self._username}"'.encode(), f'username="{escaped}"'.encode(), 1)

    def answers(self, answer: httpx.Response) -> bool:
        """Whether the request should be sent once more, with what `authorization` is then."""
        if answer.status_code != UNAUTHORIZED:
            return False
        found = [each for scheme, each in challenges(answer.headers.get_list("WWW-Authenticate")) if scheme == "digest"]
        chosen = next((each for each in found if _is_answerable(each)), None)
        if chosen is None:
            self.unanswered = ", ".join(f"{name}={value}" for each in found for name, value in each.items()) or None
            return False
        try:
            self._flow.send(_answerable(chosen, self._request))
        except StopIteration:  # this was the answer to the answer
            return False
        return True


def challenges(headers: Iterable[str]) -> Iterator[tuple[str, Challenge]]:
    """The challenges that these headers bring, by scheme; a header may hold several (RFC 9110 section 11.6.1)."""
    for header in headers:
        scheme, found = "", Challenge()
        for name, value in _PART.findall(header):
            if value:
                found[name.lower()] = value
                continue
            if scheme:
                yield scheme, found
            scheme, found = name.lower(), Challenge()
        if scheme:
            yield scheme, found


def _answerable(challenge: Challenge, request: httpx.Request) -> httpx.Response:
    """An answer of which httpx understands everything."""
    if "qop" in challenge:
        challenge["qop"] = "auth"
    # httpx undoes escapes and writes none, but a value has to come back as it came.
    values = {name: re.sub(r'(?!^)(["\\])(?!$)', r"\\\1", value) for name, value in challenge.items()}
    header = "Digest " + ", ".join(f"{name}={value}" for name, value in values.items())
    return httpx.Response(UNAUTHORIZED, headers=[(b"WWW-Authenticate", header.encode())], request=request)


def _is_answerable(challenge: Challenge) -> bool:
    if not {"realm", "nonce"} <= challenge.keys():
        return False
    offered = re.split(r"[\s,]+", challenge.get("qop", "auth").strip('"').strip().lower())
    return "auth" in offered and challenge.get("algorithm", "MD5").strip('"').upper() in _ALGORITHMS
