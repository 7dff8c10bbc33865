"""A watcher in a program: typed events of a run, each exactly once, through lost connections."""

from __future__ import annotations

import json
import math
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import trio
from attrs import define, field
from h11 import LocalProtocolError
from trio_websocket import ConnectionClosed, ConnectionRejected, HandshakeError, WebSocketConnection, wrap_client_stream

from sisyphus.errors import WatchError
from sisyphus.events import DATA_TYPES
from sisyphus.live.wanted import DEFAULT_URL, Wanted, apart, is_address
from sisyphus.telling import printable
from sisyphus.wire import Received, received
from sisyphus.words import tr

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Iterable

SUBPROTOCOL: Final = "sisyphus.v1"

HANDSHAKE: Final = 10.0  # seconds; a server that is there answers at once
FAREWELL: Final = 1.0  # seconds for the close frame of a watcher that leaves

_FIRST_REST: Final = 0.1  # seconds between two tries, doubled each time
_LONGEST_REST: Final = 2.0
_LONGEST_WAIT: Final = 0.2  # before the first connection: a run may be over within a second

_NORMAL: Final = 1000
_SLOW: Final = 4408
_LOST: Final = frozenset({1001, 1006, 1011, 1012, 1013})  # gone, broken off, restarting: worth another try
# A name that cannot be a host's is a UnicodeError.
_GONE: Final = (OSError, UnicodeError, trio.BrokenResourceError, trio.TooSlowError)
_LARGEST: Final = 2**20
# What comes of taking apart what is JSON perhaps, but nothing that a run's server says.
_NONSENSE: Final = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)
_TYPES: Final = frozenset(cls.type for cls in DATA_TYPES)


class _NoConnectionError(Exception):
    """A handshake that failed; `cause` is the first thing that went wrong."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause

    @classmethod
    def of(cls, group: ExceptionGroup[Exception]) -> _NoConnectionError:
        first: Exception = group
        while isinstance(first, ExceptionGroup):
            first = first.exceptions[0]
        if not isinstance(first, OSError | HandshakeError | LocalProtocolError | trio.BrokenResourceError):
            raise group
        return cls(first)


@define(kw_only=True)
class Watching:
    """A run that is watched: iterate over it for its events.

    Attributes:
        run_id: the run's UUID, once the server has said hello.
        last_seq: number of the newest event that was yielded; 0 before the first.
        lost: numbers (from, to) of events that the server no longer had when the first connection came, or a later one.
        reconnects: how often the connection was resumed.
    """

    wanted: Wanted
    ssl_context: ssl.SSLContext | None = None
    wait: float = 0.0
    patience: float = 30.0
    on_wait: Callable[[], None] | None = None
    on_break: Callable[[], None] | None = None
    run_id: str | None = None
    last_seq: int = 0
    lost: list[tuple[int, int]] = field(factory=list)
    reconnects: int = 0
    _nursery: trio.Nursery
    _connection: WebSocketConnection | None = None
    _known: int | None = None  # the event behind which a new connection goes on
    _in_vain: int = 0  # connections in a row that brought no event
    _over: bool = False

    def __aiter__(self) -> AsyncIterator[Received]:
        return self

    async def __anext__(self) -> Received:
        """The next event.

        Raises:
            StopAsyncIteration: the run is over and everything was yielded.
            WatchError: the server refuses, is another one, or is gone for longer than `patience`.

        Cancelled, no event is lost: the next call yields it.
        """
        while not self._over:
            connection = self._connection or await self._connected()
            try:
                message = await connection.get_message()
            except ConnectionClosed as closed:
                self._connection = None
                self._in_vain += 1
                self._judge(closed)
                if self.on_break is not None and not self._over:
                    self.on_break()
                continue
            event = self._understood(message, self._taken)
            if event is not None:
                return event
        raise StopAsyncIteration

    async def connect(self) -> None:
        """Opens the first connection, for at most `wait` seconds."""
        self._known = self.wanted.after
        await self._connected()

    def _judge(self, closed: ConnectionClosed) -> None:
        """Whether the end of a connection is that of the run, or worth another connection."""
        code = closed.reason.code if closed.reason is not None else 1006
        if code == _NORMAL:
            self._over = True
        elif code != _SLOW and code not in _LOST:
            reason = printable((closed.reason and closed.reason.reason) or "")
            raise WatchError(tr("the server closed the connection: {code} {reason}", code=int(code), reason=reason))

    def _understood(self, message: str | bytes, take: Callable[[Any], Received | None]) -> Received | None:
        try:
            return take(json.loads(message))
        except _NONSENSE as exc:
            said = printable(str(message)[:80])
            raise WatchError(tr("what {url} sends is no event: {message}", url=self.wanted.url, message=said)) from exc

    def _greeted(self, message: dict[str, Any]) -> None:
        """Takes the first message of a connection; who does not say hello is not the server of a run."""
        if message["type"] != "hello":
            raise ValueError("no hello")
        self._heed(message)

    def _taken(self, message: dict[str, Any]) -> Received | None:
        if "seq" not in message:
            self._heed(message)
            return None
        if message.get("type") not in _TYPES:  # of a later version
            return None
        event = received(message)
        if event.seq <= self.last_seq:
            return None
        self.last_seq = self._known = event.seq
        self._in_vain = 0
        return event

    def _heed(self, message: dict[str, Any]) -> None:
        data = message.get("data") or {}
        if message.get("type") == "hello":
            run_id = str(data.get("run_id"))
            if self.run_id not in {None, run_id}:
                raise WatchError(tr("another run has begun at {url}", url=self.wanted.url))
            if self.run_id is None and self._known is None and self.wanted.start == "start":
                self._miss(1, int(data.get("first_seq") or 1) - 1)
            self.run_id = run_id
            if self._known is None and self.wanted.start == "live":
                self._known = int(data.get("last_seq") or 0)
        elif message.get("type") == "recovered" and not data.get("recovered", True):
            first, last = data["gap"]
            self._miss(int(first), int(last))

    def _miss(self, first: int, last: int) -> None:
        if first <= last:
            self.lost.append((first, last))

    async def _connected(self) -> WebSocketConnection:
        again = self.run_id is not None
        limit, rest = (self.patience if again else self.wait), _FIRST_REST
        if self._in_vain > 1:  # whoever lets in and throws out is not to be asked a thousand times a second
            await trio.sleep(min(_FIRST_REST * 2 ** min(self._in_vain, 9), _LONGEST_REST))
        until = trio.current_time() + limit
        while True:
            try:
                with trio.fail_after(HANDSHAKE):
                    connection: WebSocketConnection = await self._nursery.start(self.supervise_connection)
                    self._understood(await connection.get_message(), self._greeted)
            except (*_GONE, _NoConnectionError, ConnectionClosed) as gone:
                if (final := self._final(gone, again=again)) is not None:
                    raise final from gone
                if trio.current_time() + rest > until:
                    raise self._nobody(gone, again=again) from gone
            else:
                self.reconnects += again
                self._connection = connection
                return connection
            if rest == _FIRST_REST and self.on_wait is not None and not again:
                self.on_wait()
            await trio.sleep(rest)
            rest = min(rest * 2, _LONGEST_REST if again else _LONGEST_WAIT)

    def _final(self, gone: Exception, *, again: bool) -> WatchError | None:
        """What no later try would change."""
        cause = gone.cause if isinstance(gone, _NoConnectionError) else gone
        if isinstance(cause, ConnectionRejected):
            return self._refusal(cause)
        if again:
            return None
        if isinstance(cause, socket.gaierror | UnicodeError):
            return WatchError(tr("there is no host '{host}'", host=urlsplit(self.wanted.url).hostname))
        # To an answer that is no handshake trio-websocket's client tries to send a refusal, which only servers may.
        if isinstance(cause, HandshakeError | LocalProtocolError):
            message = tr("what listens at {url} is not the event stream of a run", url=self.wanted.url)
            return WatchError(message)
        return None

    def _nobody(self, gone: Exception, *, again: bool) -> WatchError:
        if not again:
            reason = getattr(gone, "strerror", None) or gone
            return WatchError(tr("nobody can be watched at {url}: {reason}", url=self.wanted.url, reason=reason))
        message = tr(
            "the connection was lost and nobody answers at {url} for {seconds:g} s; the last event was {seq}",
            url=self.wanted.url, seconds=self.patience, seq=self.last_seq,
        )  # fmt: skip
        return WatchError(message)

    def _refusal(self, refused: ConnectionRejected) -> WatchError:
        """What the server says to a request that it refuses."""
        said = printable((refused.body or b"").decode(errors="replace").strip()) or f"HTTP {refused.status_code}"
        return WatchError(tr("{url} refuses: {reason}", url=self.wanted.url, reason=said))

    async def supervise_connection(
        self, *, task_status: trio.TaskStatus[WebSocketConnection] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Keeps one connection open until either side closes it."""
        parts = urlsplit(self.wanted.url)
        host, port = parts.hostname or "localhost", parts.port or (443 if parts.scheme == "wss" else 80)
        headers = [] if self.wanted.token is None else [(b"Authorization", f"Bearer {self.wanted.token}".encode())]
        # trio-websocket's client leaves its socket open when the server closes first: whoever opens it closes it.
        async with await self._stream(host, port) as stream:
            try:
                async with trio.open_nursery() as nursery:
                    connection = await wrap_client_stream(
                        nursery, stream, parts.netloc.rpartition("@")[2], self.wanted.resource(self._known),
                        subprotocols=[SUBPROTOCOL], extra_headers=headers, max_message_size=_LARGEST + 1,
                    )  # fmt: skip
                    task_status.started(connection)
            except ExceptionGroup as group:
                # Before `started` whoever waits for it is told; afterwards the reader says it by ConnectionClosed.
                raise _NoConnectionError.of(group) from group

    async def _stream(self, host: str, port: int) -> trio.SocketStream | trio.SSLStream[trio.SocketStream]:
        if not self.wanted.url.startswith("wss:"):
            return await trio.open_tcp_stream(host, port)
        import ssl

        context = self.ssl_context or ssl.create_default_context()
        stream = await trio.open_ssl_over_tcp_stream(host, port, ssl_context=context, https_compatible=True)
        try:
            await stream.do_handshake()
        except trio.BrokenResourceError as broken:
            await trio.aclose_forcefully(stream)
            if isinstance(broken.__cause__, ssl.SSLCertVerificationError):
                reason = broken.__cause__.verify_message
                message = tr("the certificate of {url} is not trusted: {reason}", url=self.wanted.url, reason=reason)
                raise WatchError(message) from broken
            raise
        return stream

    async def leave(self) -> None:
        """Says goodbye, if anyone listens."""
        if self._connection is not None:
            with trio.move_on_after(FAREWELL):
                await self._connection.aclose()


@asynccontextmanager
async def watch(
    url: str = DEFAULT_URL,
    *,
    start: Literal["start", "live"] = "start",
    after: int | None = None,
    types: Iterable[str] = (),
    case: str | None = None,
    token: str | None = None,
    ssl_context: ssl.SSLContext | None = None,
    wait: float = 0.0,
    patience: float = 30.0,
    on_wait: Callable[[], None] | None = None,
    on_break: Callable[[], None] | None = None,
) -> AsyncIterator[Watching]:
    """Watches a run, from its start or from where it is.

    As in::

        async with watch("ws://localhost:8765/") as run:
            async for received in run:
                print(received.seq, received.event.data)

    A connection that is lost, or that the server closes because its reader was too slow, is opened again and resumed
    behind the last event: nothing comes twice, and what the server no longer has is in `Watching.lost`.

    Args:
        url: ``ws://`` or ``wss://``, host and port of the run; a token in it counts as `token`.
        start: from the run's `start`, or what comes from now on (`live`).
        after: go on behind this `seq` of an earlier connection.
        types: only events of these types.
        case: only events of the case with this `test_case_id`.
        token: what ``--ws-token`` asks for.
        ssl_context: whom to trust, for ``wss://``; by default the system's authorities.
        wait: seconds to wait for the server to be there at all; `math.inf` for ever.
        patience: seconds to go on trying after a connection was lost.
        on_wait: is called once if the server is not there yet and is waited for.
        on_break: is called when a connection is lost, before it is opened again; see `Watching.reconnects` for what follows.

    Raises:
        WatchError: there is nobody, or it refuses.

    Cancelled or left early, the connection is closed within a second.
    """
    url, shown = apart(url)
    if not is_address(url):
        raise WatchError(tr("'{url}' is no address of a run; one looks like {example}", url=url, example=DEFAULT_URL))
    if not wait >= 0 or not patience >= 0 or math.isnan(wait + patience):
        raise ValueError("wait and patience are seconds, not negative")
    wanted = Wanted(url=url, start=start, after=after, types=tuple(types), case=case, token=token or shown)
    trouble: Exception | None = None
    async with trio.open_nursery() as nursery:
        watching = Watching(
            wanted=wanted, ssl_context=ssl_context, wait=wait, patience=patience, on_wait=on_wait, on_break=on_break,
            nursery=nursery,
        )  # fmt: skip
        try:
            await watching.connect()
            yield watching
            await watching.leave()
        except Exception as exc:  # noqa: BLE001 - raised below: the nursery is ours, and would wrap it in a group
            trouble = exc
        nursery.cancel_scope.cancel("the watcher leaves")
    if trouble is not None:
        raise trouble
