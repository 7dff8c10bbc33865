"""How a run is to be watched, and where it can be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen
from attrs.validators import and_, deep_iterable, ge, le, optional

from sisyphus.journal import DEFAULT_MAX_BYTES, DEFAULT_MAX_EVENTS


def _usable(_instance: Any, _attribute: Attribute[Any], value: str | None) -> None:
    from sisyphus.live.token import is_usable

    if value is not None and not is_usable(value):
        raise ValueError("a token is made of visible ASCII characters without spaces")


def _origin(_instance: Any, _attribute: Attribute[Any], value: str) -> None:
    from sisyphus.live.access import origin_of

    if origin_of(value) != value:
        raise ValueError(f"an origin is SCHEME://HOST or SCHEME://HOST:PORT, not {value!r}")


@frozen(kw_only=True)
class LiveSettings:
    """How a run is watched.

    Attributes:
        host, port: where watchers connect; port 0 is any free one.
        drain: seconds that watchers have, after the run, to read what is left.
        linger: seconds for which the finished run is served.
        wait_clients: how many watchers must be there before the first step.
        wait_timeout: seconds after which the run begins without them; None for never.
        keep_events, keep_bytes: how much is kept in memory for who comes late or is slow.
        origins: pages that may watch although they are from elsewhere.
        token: what watchers have to show; `auto` makes one.
        certificate, key: files in PEM, to serve by TLS; the key may stand in the certificate's file.
    """

    host: str = "localhost"
    port: int = field(default=8765, validator=and_(ge(0), le(65535)))
    drain: float = field(default=5.0, validator=ge(0))
    linger: float = field(default=0.0, validator=ge(0))
    wait_clients: int = field(default=0, validator=ge(0))
    wait_timeout: float | None = field(default=None, validator=optional(ge(0)))
    keep_events: int = field(default=DEFAULT_MAX_EVENTS, validator=ge(1))
    keep_bytes: int = field(default=DEFAULT_MAX_BYTES, validator=ge(1))
    origins: frozenset[str] = field(default=frozenset(), converter=frozenset, validator=deep_iterable(_origin))
    token: str | None = field(default=None, validator=_usable, repr=False)
    certificate: Path | None = None
    key: Path | None = None


@frozen(kw_only=True)
class Serving:
    """Where the server can be reached: the address to tell the user, and each one that is listened at.

    Attributes:
        host, port: what to tell.
        addresses: what is listened at.
        loopback: whether it can be reached from this machine only.
        secure: whether it speaks TLS.
        token: what a watcher has to show.
        tell_token: whether the user does not know the token yet.
        wait_for_watchers: returns when so many are there as it is given.
        end_lingering: has the finished run be served no longer.
    """

    host: str
    port: int
    addresses: tuple[tuple[str, int], ...]
    loopback: bool = True
    secure: bool = False
    token: str | None = field(default=None, repr=False)
    tell_token: bool = False
    wait_for_watchers: Callable[[int], Awaitable[None]] = field(eq=False, repr=False)
    end_lingering: Callable[[], None] = field(default=lambda: None, eq=False, repr=False)

    @property
    def url(self) -> str:
        """What a watcher connects to; with the token in it where the user could not know it."""
        return self._url("ws", self.host, self.port) + self._shown

    @property
    def page(self) -> str:
        """What a browser opens; with the token in the same case."""
        return self._url("http", self.host, self.port) + self._shown

    @property
    def urls(self) -> tuple[str, ...]:
        """The same for each address, without the token."""
        return tuple(self._url("ws", *address) for address in self.addresses)

    @property
    def exposed(self) -> bool:
        """Whether whoever reaches the port may watch, and that is not this machine alone."""
        return not self.loopback and self.token is None

    @property
    def _shown(self) -> str:
        return f"/?token={self.token}" if self.tell_token else ""

    def _url(self, scheme: str, host: str, port: int) -> str:
        if self.secure:
            scheme += "s"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
