"""Which proxy a request goes through: the one that is written, or the one that the environment names."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Final

import httpx
from attrs import field, frozen

from sisyphus.errors import FieldError
from sisyphus.words import tr

ProxyFor = Callable[[httpx.URL], "Proxy | None"]
"""Says which proxy the request to a URL goes through; None for none."""

_PORTS: Final = {"http": 80, "https": 443}  # as curl has 1080, nothing else agrees on a port of proxies


@frozen(kw_only=True)
class Proxy:
    """An HTTP proxy.

    Attributes:
        secure: it is talked to in TLS.
        authorization: what its `Proxy-Authorization` header has to say.
    """

    host: str
    port: int
    secure: bool = False
    authorization: bytes | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def always(text: str) -> ProxyFor:
    """The proxy that a URL names, whatever is asked for.

    Raises:
        FieldError: the text is no URL of a proxy that can be used.
    """
    proxy = parse_proxy(text)
    return lambda url: proxy


def of_environment(environ: Mapping[str, str]) -> ProxyFor:
    """What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in lower case too, which wins as with curl."""
    named = {name.lower(): value for name, value in sorted(environ.items()) if name.lower().endswith("_proxy")}
    excepted = [part for part in named.get("no_proxy", "").replace(",", " ").split() if part]

    def proxy_for(url: httpx.URL) -> Proxy | None:
        text = named.get(f"{url.scheme}_proxy") or named.get("all_proxy")
        if not text or any(_matches(rule, url) for rule in excepted):
            return None
        return parse_proxy(text)

    return proxy_for


def parse_proxy(text: str) -> Proxy:
    """The proxy that a URL names; ``host:port`` alone is one of HTTP.

    Raises:
        FieldError: the text is no URL of a proxy that can be used.
    """
    written = text.strip()
    try:
        url = httpx.URL(written if "://" in written else f"http://{written}")
        host, port = url.host, url.port or _PORTS.get(url.scheme, 0)
    except (httpx.InvalidURL, UnicodeError) as exc:
        raise _wrong(text) from exc
    if url.scheme not in _PORTS or not host or port > 65535 or url.path.strip("/") or url.query:
        raise _wrong(text)
    authorization = None
    if url.userinfo:
        pair = f"{url.username}:{url.password}"
        authorization = b"Basic " + b64encode(pair.encode())
    return Proxy(host=host, port=port, secure=url.scheme == "https", authorization=authorization)


def _wrong(text: str) -> FieldError:
    _, at, place = text.rpartition("@")  # what stands before it may be a password
    return FieldError(
        tr("'{url}' is no HTTP proxy", url=f"…@{place}" if at else text),
        suggestion=tr(
            "Write http://host:port or http://user:password@host:port; null for none, env for the environment's."
        ),
    )


def _matches(rule: str, url: httpx.URL) -> bool:
    """Whether a part of `NO_PROXY` means the host of a URL: ``*``, a name and those below it, an address, a network."""
    host = url.host.lower()
    name, colon, port = rule.lower().rpartition(":")
    if colon and port.isdecimal() and not name.endswith(":"):
        if int(port) != (url.port or _PORTS.get(url.scheme)):
            return False
    else:
        name = rule.lower()
    name = name.strip("[]").removeprefix("*.").lstrip(".")
    if name in {"*", host}:
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        return bool(name) and host.endswith(f".{name}")
