"""What becomes of a request that is redirected: where it may lead, and what it takes along."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sisyphus.errors import BrokenResponse
from sisyphus.http.failures import has_impossible_port, shown
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    import httpx

Origin = tuple[str, str, int]

MAX_REDIRECTS: Final = 20

# What describes a body goes with it (Fetch standard, "request-body-header name"); httpx drops its length only.
_OF_THE_BODY: Final = ("Content-Type", "Content-Encoding", "Content-Language", "Content-Location")


def checked(request: httpx.Request, hops: Sequence[httpx.Response], *, secret: Container[str]) -> httpx.Request:
    """The request that httpx made of a redirect, without what must not go there.

    Args:
        request: what httpx made; its method and URL are what RFC 9110 and browsers make of them.
        hops: the answers so far, the last of which redirects.
        secret: names, in lower case, of headers that prove who asks: they stay with their origin.

    Raises:
        BrokenResponse: it leads nowhere, or nowhere in the end.
    """
    _check(request.url, hops)
    before = hops[-1].request
    if request.method != before.method:
        for name in _OF_THE_BODY:
            request.headers.pop(name, None)
    if origin(request.url) != origin(before.url):
        # httpx takes `Authorization` away already, but for the step from http to https.
        for name in [name for name in request.headers if name in secret and name != "authorization"]:
            del request.headers[name]
    return request


def origin(url: httpx.URL) -> Origin:
    """Whom a URL belongs to (RFC 6454 section 4)."""
    return (url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80))


def _check(url: httpx.URL, hops: Sequence[httpx.Response]) -> None:
    advice = tr("To look at the redirect itself, set follow_redirects: false.")
    came_from = shown(hops[-1].url)
    if url.scheme not in {"http", "https"}:
        told = tr("{url} redirects to '{target}', which is not HTTP", url=came_from, target=url)
        raise BrokenResponse(told, suggestion=advice)
    if has_impossible_port(url):
        told = tr("{url} redirects to '{target}', whose port cannot be", url=came_from, target=shown(url))
        raise BrokenResponse(told, suggestion=advice)
    if len(hops) > MAX_REDIRECTS:
        told = tr(
            "more than {count} redirects, the last one from {url} to {target}",
            count=MAX_REDIRECTS,
            url=came_from,
            target=shown(url),
        )
        raise BrokenResponse(told, suggestion=advice)
