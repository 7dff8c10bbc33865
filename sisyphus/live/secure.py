"""TLS: the server's certificate, and connections that speak it or do not."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, NoReturn

import trio

from sisyphus.errors import StartError
from sisyphus.live.stream import SharedStream
from sisyphus.words import tr

if TYPE_CHECKING:
    from pathlib import Path

# The first byte of a TLS connection (RFC 8446, 5.1): a record with a handshake.
_HANDSHAKE: Final = 0x16


class NotSecured(Exception):
    """A connection does not speak TLS.

    Attributes:
        stream: what it says instead can be read from here.
    """

    def __init__(self, stream: SharedStream) -> None:
        super().__init__("no TLS")
        self.stream: Final = stream


def load(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """The server's side of TLS.

    Args:
        certificate: PEM with the certificate, those between it and a root, and the key if it has no file of its own.
        key: PEM with the key.

    Raises:
        StartError: they cannot be read, or do not belong together.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key, password=_ask_nobody)
    except ssl.SSLError as exc:
        message = tr("cannot serve TLS with {certificate}: {reason}", certificate=certificate, reason=_in_words(exc))
        raise StartError(message) from exc
    except OSError as exc:
        missing = key if key is not None and certificate.exists() else certificate
        raise StartError(tr("cannot read {path}: {reason}", path=missing, reason=exc.strerror or str(exc))) from exc
    return context


async def secured(transport: trio.abc.Stream, context: ssl.SSLContext) -> trio.SSLStream[SharedStream]:
    """Shakes hands with a client.

    Raises:
        NotSecured: it does not speak TLS.
        trio.BrokenResourceError: it is gone, or does not trust the certificate.
    """
    begin = await transport.receive_some(1)
    stream = SharedStream(transport, bytes(begin))
    if begin and begin[0] != _HANDSHAKE:
        raise NotSecured(stream)
    secure = trio.SSLStream(stream, context, server_side=True)
    await secure.do_handshake()
    return secure


def _ask_nobody() -> NoReturn:
    # OpenSSL would ask for it on the terminal, in the middle of everything.
    raise StartError(tr("the key of --ws-key is protected by a passphrase; give one that is not"))


def _in_words(exc: ssl.SSLError) -> str:
    if exc.reason == "KEY_VALUES_MISMATCH":
        return tr("key and certificate do not belong together")
    return tr("it has to hold a certificate and its key as PEM ({reason})", reason=exc.reason or exc)
