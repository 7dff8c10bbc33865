"""httpx's client as a case needs it: a jar that suits a tester, bodies that can be given up half-way."""

from __future__ import annotations

from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request as UrllibRequest

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from http.cookiejar import Cookie


class Client(httpx.AsyncClient):
    """httpx's client with a jar that suits a tester, and that costs nothing where no cookie is set."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._kept: Final = httpx.Cookies(CookieJar(_CookiePolicy()))
        self._collecting: Final = _Collecting(self._kept)

    def add_cookies(self, request: httpx.Request, own: Mapping[str, str]) -> None:
        """Gives a request the cookies that belong to its URL, and its own, which win over them."""
        kept = self._cookies_for(request.url).split("; ")
        pairs = [pair for pair in kept if pair and pair.partition("=")[0] not in own]
        pairs += [f"{name}={value}" for name, value in own.items()]
        if pairs:
            others = [(name, value) for name, value in request.headers.raw if name.lower() != b"cookie"]
            # As bytes: httpx writes a header in the encoding of those it has, and that is ASCII as a rule.
            request.headers = httpx.Headers([*others, (b"Cookie", "; ".join(pairs).encode())])

    def _cookies_for(self, url: httpx.URL) -> str:
        if not self._kept:
            return ""
        request = UrllibRequest(str(url))  # noqa: S310 - nothing is opened, the jar looks at it
        self._kept.jar.add_cookie_header(request)
        header: str = request.get_header("Cookie", "")
        return header

    @property
    def cookies(self) -> httpx.Cookies:
        return self._collecting

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._kept.update(cookies)


class Bytes(httpx.AsyncByteStream):
    """The body of a request; httpx's own is a generator, which warns when it is given up half-way."""

    def __init__(self, content: bytes) -> None:
        self._content: Final = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._content)


class _Once:
    def __init__(self, content: bytes) -> None:
        self._rest = [content] if content else []

    def __aiter__(self) -> _Once:
        return self

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop()


class _Collecting(httpx.Cookies):
    """Where httpx puts the cookies of an answer; it finds none there for a request, which it could write in ASCII only."""

    def __init__(self, keep: httpx.Cookies) -> None:
        super().__init__()
        self._keep: Final = keep

    def extract_cookies(self, response: httpx.Response) -> None:
        if "Set-Cookie" in response.headers:
            self._keep.extract_cookies(response)


class _CookiePolicy(DefaultCookiePolicy):
    """Accepts `Domain=localhost`, as browsers do; the standard library refuses a domain without a dot in it."""

    def set_ok_domain(self, cookie: Cookie, request: UrllibRequest) -> bool:
        if cookie.domain_specified and cookie.domain.lstrip(".") == "localhost" == request.host.partition(":")[0]:
            cookie.domain, cookie.domain_specified = "localhost.local", False  # its name for a host without a dot
        return super().set_ok_domain(cookie, request)
