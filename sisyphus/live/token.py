"""The token that watchers show."""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from sisyphus.live.asking import TOKEN, parameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sisyphus.live.head import Head

AUTO: Final = "auto"

# A browser's WebSocket cannot send a header of its own, and an address ends up in histories and logs: the offer of
# subprotocols is what is left. (A cookie on localhost would go to every other server there.)
SUBPROTOCOL: Final = "sisyphus.token."

_BYTES: Final = 24


def make() -> str:
    """A new token, of letters, digits, `-` and `_`."""
    return secrets.token_urlsafe(_BYTES)


def is_usable(token: str) -> bool:
    """Whether a token can be sent in a header as it is: visible ASCII without spaces."""
    return bool(token) and all("!" <= character <= "~" for character in token)


def is_shown(token: str, head: Head) -> bool:
    """Whether a request shows the token.

    Each place is compared, and in constant time: how long the answer takes says nothing about the token.
    """
    expected = token.encode()
    found = [hmac.compare_digest(expected, shown.encode("utf-8", "surrogatepass")) for shown in _shown(head)]
    return any(found)


def _shown(head: Head) -> Iterator[str]:
    for value in head.values("authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "bearer":
            yield credentials.strip()
    yield from (value for name, value in parameters(head) if name == TOKEN)
    for offer in head.offers("sec-websocket-protocol"):
        if offer.startswith(SUBPROTOCOL):
            yield unquote(offer.removeprefix(SUBPROTOCOL))
