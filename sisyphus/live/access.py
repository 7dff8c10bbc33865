"""Who may watch: decided from the head of a request, before anything else is looked at."""

from __future__ import annotations

import re
import socket
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from sisyphus.live.answer import Answer, sentence
from sisyphus.live.token import is_shown
from sisyphus.words import tr

if TYPE_CHECKING:
    from sisyphus.live.head import Head

_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/?#@\\\s]+)(?::([0-9]{1,5}))?")
_ORIGIN: Final = re.compile(rf"([a-z][a-z0-9+.-]*)://(?:{_AUTHORITY.pattern})?", re.IGNORECASE)
_DEFAULT_PORTS: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443"}

# Where a browser puts what a foreign page wants to show as a part of itself.
_FRAMES: Final = frozenset({"embed", "frame", "iframe", "object"})


@frozen(kw_only=True)
class Access:
    """Who may watch a run.

    A page of any site can make its visitor's browser talk to a server on the visitor's own machine. `Origin` says which
    page it is; it says nothing where the page has given its own name the server's address (DNS rebinding), and then
    `Host` is that name.

    Attributes:
        host: the host that the server listens at, as the user gave it.
        loopback: whether it can be reached from this machine only.
        origins: pages that may watch although they are from elsewhere; their hosts are names of this server too.
        token: what a watcher has to show, if anything.
    """

    host: str
    loopback: bool = True
    origins: frozenset[str] = frozenset()
    token: str | None = field(default=None, repr=False)

    def refusal(self, head: Head) -> Answer | None:
        """Why a request is refused, None if it is not."""
        return self._for_its_host(head) or self._for_its_origin(head) or self._without_token(head)

    def reader(self, head: Head) -> str | None:
        """The page that is to be let read an answer although it is from another origin."""
        origin = next(iter(head.values("origin")), None)
        host = next(iter(head.values("host")), None)
        return None if origin is None or origin.partition("://")[2] == host else origin

    def _for_its_host(self, head: Head) -> Answer | None:
        given = head.values("host")
        if not given and head.http_version == "1.0":
            return None  # no browser
        host = _host_of(given[0]) if len(given) == 1 else None
        if host is not None and (host in self._names() or self._is_address_of_ours(host)):
            return None
        return sentence(
            HTTPStatus.FORBIDDEN,
            tr(
                "This server is not known as '{host}'. If it is reached by that name on purpose: --ws-allow-origin http://{host}",
                host=(given[0] if given else "")[:100],
            ),
        )

    def _for_its_origin(self, head: Head) -> Answer | None:
        given = head.values("origin")
        if not given:
            return None if _is_harmless(head) else _foreign(tr("another site"))
        if len(given) == 1 and (origin := origin_of(given[0])) is not None:
            host = _host_of(origin.partition("://")[2])
            same = host is not None and host in {_host_of(value) for value in head.values("host")}
            if same or _is_loopback(host) or origin in self.origins:
                return None
        return _foreign(given[0][:100])

    def _without_token(self, head: Head) -> Answer | None:
        if self.token is None or is_shown(self.token, head):
            return None
        return sentence(
            HTTPStatus.UNAUTHORIZED,
            tr(
                "This run is watched with a token: send it as 'Authorization: Bearer TOKEN', as ?token=TOKEN in the "
                "address, or as the WebSocket subprotocol sisyphus.token.TOKEN beside sisyphus.v1."
            ),
            ("WWW-Authenticate", 'Bearer realm="sisyphus"'),
        )

    def _names(self) -> frozenset[str | None]:
        ours = {_host_of(origin.partition("://")[2]) for origin in self.origins}
        if not self.loopback:
            name = socket.gethostname().lower().rstrip(".")
            ours |= {name, f"{name}.local"}
        return frozenset(ours | {_host_of(self.host if ":" not in self.host else f"[{self.host}]")}) - {None}

    def _is_address_of_ours(self, host: str) -> bool:
        # Reached from elsewhere, any address may be one of ours; a page cannot give itself an address for a name.
        return _is_loopback(host) or (not self.loopback and _address(host) is not None)


def origin_of(text: str) -> str | None:
    """An origin in its one spelling; None if the text is none."""
    if text == "null":
        return text
    found = _ORIGIN.fullmatch(text.strip())
    if found is None:
        return None
    scheme, host, port = found[1].lower(), (found[2] or "").lower(), found[3]
    return f"{scheme}://{host}" + ("" if port is None or _DEFAULT_PORTS.get(scheme) == port else f":{port}")


def is_loopback(host: str) -> bool:
    """Whether a host to listen at can be reached from this machine only."""
    return _is_loopback(_host_of(f"[{host}]" if ":" in host else host))


def _host_of(authority: str) -> str | None:
    """The host of `HOST` or `HOST:PORT` in its one spelling; None if that is not what it is."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        return None
    host = found[1].strip("[]").lower().rstrip(".")
    address = _address(host)
    return host if address is None else str(address)


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str | None) -> bool:
    if host is None:
        return False
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _is_harmless(head: Head) -> bool:
    """What has no `Origin` comes from no browser, or is of a kind that no page can read; not even that is for a frame."""
    if head.values("sec-fetch-site")[:1] != ("cross-site",):
        return True
    navigates = head.values("sec-fetch-mode")[:1] == ("navigate",)
    return navigates and not _FRAMES & {*head.values("sec-fetch-dest")}


def _foreign(origin: str) -> Answer:
    return sentence(
        HTTPStatus.FORBIDDEN,
        tr("A page of {origin} may not watch this run. If it is yours: --ws-allow-origin ORIGIN", origin=origin),
    )
