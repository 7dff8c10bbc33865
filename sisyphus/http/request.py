"""From the rendered fields of a step to the request that goes on the wire."""

from __future__ import annotations

import functools
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final

import httpx
from attrs import frozen

from sisyphus.case.model import ABSENT, Auth
from sisyphus.comparable import Comparable
from sisyphus.errors import FieldError
from sisyphus.http import bodies
from sisyphus.http.bodies import Part, written
from sisyphus.http.decoding import ACCEPTED
from sisyphus.http.failures import parse_url
from sisyphus.version import __version__
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = ["Call", "Outgoing", "Part", "encode"]


@frozen(kw_only=True, eq=False, repr=False)
class Call(Comparable):
    """A request as its step gives it: templates rendered, files read, the URL joined with its base.

    Attributes:
        headers: a map or a list of pairs; null leaves out a header, a default one too.
        params: a map, a list of pairs, or a query already encoded; added to what the URL has.
        cookies: sent in addition to those of the session, for this request only.
        body, json, data, files: at most one way to give a body, but `files` go along with `data`.
    """

    url: Any
    method: Any = "GET"
    params: Any = None
    headers: Any = None
    cookies: Any = None
    body: Any = ABSENT
    json: Any = ABSENT
    data: Any = ABSENT
    files: tuple[Part, ...] = ()
    auth: Auth | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Outgoing(Comparable):
    """A request as it is sent, but for the session's cookies and the answers to challenges.

    Attributes:
        secret: names, in lower case, of headers that prove who sends it.
        digest: user name and password for the challenges of digest authentication.
    """

    method: str
    url: httpx.URL
    headers: list[tuple[bytes, bytes]]
    content: bytes
    cookies: dict[str, str]
    shown_body: Any
    secret: frozenset[str]
    digest: tuple[str, str] | None = None


# Parameters of the query, headers, and a user name with its password that the server has to ask for.
_Proof = tuple[list[tuple[str, str]], list[tuple[str, str | None]], tuple[str, str] | None]

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110 section 5.6.2
_SECRET: Final = frozenset({"authorization", "proxy-authorization"})
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WITH_LENGTH: Final = frozenset({"POST", "PUT", "PATCH"})  # those of which a server expects a body, be it empty


@functools.cache
def _defaults() -> tuple[tuple[str, tuple[bytes, bytes]], ...]:
    """The headers of every request that does not say otherwise, by their names in lower case."""
    return (
        ("accept", (b"Accept", b"*/*")),
        ("accept-encoding", (b"Accept-Encoding", ACCEPTED.encode())),
        ("connection", (b"Connection", b"keep-alive")),
        ("user-agent", (b"User-Agent", f"sisyphus-api-engine/{__version__}".encode())),
    )


_cached_url: Final = functools.lru_cache(maxsize=512)(parse_url)


def encode(call: Call) -> Outgoing:
    """Says what is sent, by the table in section 3 of the case format.

    Raises:
        FieldError: a field has a value that cannot be sent as what it is meant to be.
    """
    method = _method(call.method)
    given = [] if call.headers is None else list(_headers(call.headers))
    named = {name.lower(): value for name, value in given}
    params, more, digest = _auth(call.auth, named.keys()) if call.auth else ([], [], None)
    url = _url(call.url, call.params, params)
    given += more
    body = bodies.encode(
        body=call.body,
        json=call.json,
        data=call.data,
        files=call.files,
        content_type=named.get("content-type") or "",
    )
    return Outgoing(
        method=method,
        url=url,
        headers=list(_wire_headers(method, url, given, named.keys(), body)),
        content=body.content or b"",
        cookies=_split_cookies(named.get("cookie")) | _cookies(call.cookies),
        shown_body=body.shown,
        secret=_SECRET.union(name.lower() for name, _ in more),
        digest=digest,
    )


def _method(method: Any) -> str:
    if not isinstance(method, str) or not _TOKEN.fullmatch(method):
        raise FieldError(tr("'{method}' is no HTTP method", method=method))
    return method.upper()


def _url(text: Any, params: Any, added: list[tuple[str, str]]) -> httpx.URL:
    if not isinstance(text, str):
        raise FieldError(tr("the URL must be text, but it is {value}", value=written(text)))
    if params is None and not added:
        return _cached_url(text)
    queries = (
        [params]
        if isinstance(params, str)
        else [bodies.query(bodies.pairs({} if params is None else params, "params"))]
    )
    queries.append(bodies.query(added))
    # httpx's own `params` would replace the query that the URL has.
    bare, hash_sign, fragment = text.strip().partition("#")
    query = "&".join(filter(None, (part.strip("&?") for part in queries)))
    if query:
        bare += ("" if bare.endswith(("?", "&")) else "&" if "?" in bare else "?") + query
    return parse_url(bare + hash_sign + fragment)


def _headers(headers: Any) -> Iterator[tuple[str, str | None]]:
    """The headers as the step wants them; None is a header that shall not be sent."""
    for name, value in bodies.items(headers, "headers"):
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):
            raise FieldError(tr("'{name}' cannot be the name of a header", name=name))
        if value is None:
            yield name, None
        for one in bodies.singly(value):
            yield name, _header_value(name, one)


def _header_value(name: str, value: Any) -> str:
    text = written(value).strip(" \t")
    if _CONTROL.search(text):
        raise FieldError(tr("the header '{name}' holds a line break or another control character", name=name))
    return text


def _auth(auth: Auth, named: Collection[str]) -> _Proof:
    """What proves who sends the request; a header of the step's own wins."""
    if auth.type == "api_key":
        name, value = written(auth.key or "X-API-Key"), written("" if auth.value is None else auth.value)
        if auth.location == "query":
            return [(name, value)], [], None
    elif auth.type == "bearer":
        name, value = "Authorization", f"Bearer {written(auth.token or '')}"
    else:
        user, password = written(auth.username or ""), written(auth.password or "")
        name, value = "Authorization", "Basic " + b64encode(bodies.utf8(f"{user}:{password}")).decode("ascii")
        if auth.type == "digest":
            return [], [], None if "authorization" in named else (_header_value("Authorization", user), password)
    return [], [] if name.lower() in named else list(_headers({name: value})), None


def _cookies(cookies: Any) -> dict[str, str]:
    if cookies is None:
        return {}
    if isinstance(cookies, str):
        return _split_cookies(cookies)
    return {name: _cookie_value(name, value) for name, value in bodies.pairs(cookies, "cookies")}


def _cookie_value(name: str, value: str) -> str:
    if not _TOKEN.fullmatch(name) or ";" in value or _CONTROL.search(value):
        raise _no_cookie(name)
    bodies.utf8(value)
    return value


def _no_cookie(name: str) -> FieldError:
    return FieldError(tr("the cookie '{name}' holds a character that a cookie cannot hold", name=name))


def _split_cookies(header: str | None) -> dict[str, str]:
    found = [pair.strip().partition("=") for pair in (header or "").split(";")]
    for name, _, value in found:
        bodies.utf8(name)
        if _CONTROL.search(name + value):
            raise _no_cookie(name)
        bodies.utf8(value)
    return {name: value for name, _, value in found if name}


def _wire_headers(
    method: str, url: httpx.URL, given: list[tuple[str, str | None]], named: Any, body: bodies.Body
) -> Iterator[tuple[bytes, bytes]]:
    if "host" not in named:
        yield b"Host", url.netloc
    for low, default in _defaults():
        if low not in named:
            yield default
    for name, value in given:
        # Cookies become one header, together with those of the session.
        if value is None or name.lower() == "cookie" or (body.imposed and name.lower() == "content-type"):
            continue
        yield name.encode("ascii"), bodies.utf8(value)
    if body.content_type and (body.imposed or "content-type" not in named):
        yield b"Content-Type", body.content_type.encode("ascii")
    if not named & {"content-length", "transfer-encoding"} and (body.content is not None or method in _WITH_LENGTH):
        yield b"Content-Length", str(len(body.content or b"")).encode("ascii")
