"""A request on its way: asked who it is, and sent elsewhere, until there is an answer to be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx

from sisyphus.http.failures import shown, translated
from sisyphus.http.pool import WAY
from sisyphus.http.receiving import drain
from sisyphus.http.redirects import checked, origin
from sisyphus.words import tr

if TYPE_CHECKING:
    from collections.abc import Callable

    from sisyphus.http.client import Client
    from sisyphus.http.digest import Digest
    from sisyphus.http.pool import Way
    from sisyphus.http.request import Outgoing


class Journey:
    """Takes one request of a step through challenges and redirects.

    Args:
        client: sends, and keeps cookies.
        outgoing: what is sent.
        way_to: how the server of a URL is reached.
        digest: answers the challenges of the origin that is asked first.

    Attributes:
        hops: the answers that redirected.
        warnings: what the user should know.
    """

    def __init__(
        self, client: Client, outgoing: Outgoing, way_to: Callable[[httpx.URL], Way], digest: Digest | None
    ) -> None:
        self._client: Final = client
        self._outgoing: Final = outgoing
        self._way_to: Final = way_to
        self._digest: Final = digest
        self.hops: Final[list[httpx.Response]] = []
        self.warnings: Final[list[str]] = []

    async def arrive(self, request: httpx.Request) -> httpx.Response:
        """Sends it, and all that follows from it; the body of the answer is still to be read.

        Raises:
            StepError: there is no answer.

        On cancellation the connection in use is closed.
        """
        first, own = request.url, self._outgoing.cookies
        self._client.add_cookies(request, own)
        while True:
            answer = await self._ask(request, self._digest if origin(request.url) == origin(first) else None)
            if answer.next_request is None:
                return answer
            with translated(request.url, request.extensions[WAY].proxy):
                await drain(answer)
            self.hops.append(answer)
            request = checked(answer.next_request, self.hops, secret=self._outgoing.secret)
            self._client.add_cookies(request, own if request.url.host == first.host else {})

    async def _ask(self, request: httpx.Request, digest: Digest | None) -> httpx.Response:
        way = request.extensions[WAY] = self._way_to(request.url)
        signature = digest.sign(request) if digest is not None else None
        with translated(request.url, way.proxy):
            while True:
                if signature is not None:
                    _authorize(request, signature.authorization)
                # httpx makes the next request but leaves sending it to us, so that a redirect's body is not kept.
                answer = await self._client.send(request, stream=True, auth=None, follow_redirects=False)
                if signature is None or not signature.answers(answer):
                    break
                await drain(answer)
                self._client.add_cookies(request, self._outgoing.cookies)  # the challenge may have brought some
        if signature is not None and signature.unanswered is not None:
            told = tr(
                "{url} asks for a digest that is not supported: {asked}",
                url=shown(request.url),
                asked=signature.unanswered,
            )
            self.warnings.append(told)
        return answer


def _authorize(request: httpx.Request, value: bytes | None) -> None:
    """Says who asks; what a redirect copied from the request before it is for another URL."""
    others = [(name, each) for name, each in request.headers.raw if name.lower() != b"authorization"]
    request.headers = httpx.Headers(others if value is None else [*others, (b"Authorization", value)])
