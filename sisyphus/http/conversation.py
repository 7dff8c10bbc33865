"""What is said on an HTTP/2 connection, over h2, without any I/O."""

from __future__ import annotations

import contextlib
from typing import Final

import h2.connection
import h2.events
import h2.exceptions
import httpcore
from h2.config import H2Configuration
from h2.connection import ConnectionState
from h2.errors import ErrorCodes
from h2.settings import SettingCodes, Settings

from sisyphus.http.exchange import Exchange
from sisyphus.http.network import GivenUp, Unanswered, Unprocessed

# How much may come before anyone asks for it: of one answer, and of all together.
WINDOW: Final = 1024 * 1024
ALL_WINDOWS: Final = 16 * WINDOW

_FRAME_HEAD: Final = 9  # bytes, the first three of which are the length of what follows (RFC 9113 section 4.1)
_FIRST: Final = 1

# What belongs to HTTP/1.1 (RFC 9113 section 8.2.2); `Host` is `:authority` here.
_OF_HTTP11: Final = frozenset({
    b"host",
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"transfer-encoding",
    b"upgrade",
    b"te",
})
_SETTINGS: Final = {
    SettingCodes.ENABLE_PUSH: 0,
    SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
    SettingCodes.MAX_HEADER_LIST_SIZE: 64 * 1024,
}


class Conversation:
    """The client's side of one connection.

    Attributes:
        leaving: the server takes no more requests.
        over: nothing can be said any more.
    """

    def __init__(self) -> None:
        # What a server says is the test's to judge, as far as it can be read.
        config = H2Configuration(client_side=True, header_encoding=None, validate_inbound_headers=False)
        self._h2: Final = h2.connection.H2Connection(config)
        self._h2.local_settings = Settings(client=True, initial_values=_SETTINGS)
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(ALL_WINDOWS - self._h2.inbound_flow_control_window)
        self._exchanges: Final[dict[int, Exchange]] = {}
        self._incoming: Final = bytearray()
        self._greeted = False  # the server's settings have come
        self.leaving = False
        self.over = False

    @property
    def exchanges(self) -> int:
        """How many requests are under way."""
        return len(self._exchanges)

    def is_full(self) -> bool:
        """Whether another request has to wait; until the server's settings say how many it takes, one may go."""
        limit = self._h2.remote_settings.max_concurrent_streams if self._greeted else 1
        return self._h2.open_outbound_streams >= limit

    def open(self, request: httpcore.Request, *, ends: bool) -> Exchange:
        """Begins a request; `ends` if it has no body.

        Raises:
            httpcore.LocalProtocolError: HTTP/2 has no words for it.
        """
        number = self._h2.get_next_available_stream_id()
        given = [(name.lower(), value) for name, value in request.headers]
        authority = next((value for name, value in given if name == b"host"), request.url.host)
        headers = [
            (b":method", request.method),
            (b":authority", authority),
            (b":scheme", request.url.scheme),
            (b":path", request.url.target),
            *((name, value) for name, value in given if name not in _OF_HTTP11),
        ]
        exchange = self._exchanges[number] = Exchange(number)
        exchange.sent = ends
        try:
            self._h2.send_headers(number, headers, end_stream=ends)
        except h2.exceptions.ProtocolError as exc:
            self.leave(exchange)
            raise httpcore.LocalProtocolError(str(exc)) from exc
        return exchange

    def room_for(self, exchange: Exchange) -> int:
        """How many bytes of its body may be sent now."""
        return min(self._h2.local_flow_control_window(exchange.number), self._h2.max_outbound_frame_size)

    def send(self, exchange: Exchange, piece: bytes, *, ends: bool) -> None:
        """Sends some of a body, no more than there is room for."""
        self._h2.send_data(exchange.number, piece, end_stream=ends)
        exchange.sent = ends

    def acknowledge(self, exchange: Exchange, size: int) -> None:
        """Lets the server send as much again as was taken."""
        if size and not self.over:
            self._h2.acknowledge_received_data(size, exchange.number)

    def leave(self, exchange: Exchange) -> None:
        """Ends an exchange, for the server too if there was more to come or to go."""
        if self._exchanges.pop(exchange.number, None) is None or self.over:
            return
        self.acknowledge(exchange, exchange.clear())
        if not (exchange.ended and exchange.sent):
            with contextlib.suppress(h2.exceptions.ProtocolError):  # the server has ended it, or it never began
                self._h2.reset_stream(exchange.number, ErrorCodes.CANCEL)

    def data_to_send(self) -> bytes:
        return self._h2.data_to_send()

    def receive(self, data: bytes) -> None:
        """Takes what came.

        Raises:
            httpcore.RemoteProtocolError: it is not HTTP/2; there is no going on.
        """
        self._incoming.extend(data)
        while frame := self._next_frame():
            try:
                events = self._h2.receive_data(frame)
            except h2.exceptions.ProtocolError as exc:
                raise httpcore.RemoteProtocolError(f"HTTP/2: {exc}") from exc
            for event in events:
                self._handle(event)

    def end(self, fault: Exception | None) -> None:
        """Nothing more will be said, for that reason if there is one; each exchange gets an exception of its own."""
        self.over = True
        for exchange in self._exchanges.values():
            failure: Exception
            if isinstance(fault, httpcore.ProtocolError):
                failure = httpcore.RemoteProtocolError(str(fault))
            elif exchange.head is None:
                failure = Unanswered(reused=exchange.number > _FIRST)
            else:
                failure = httpcore.ReadError("the connection ended")
            failure.__cause__ = fault
            exchange.fail(failure)

    def _next_frame(self) -> bytes:
        """Takes the next whole frame out of what came; one at a time, for the sake of `_farewell`."""
        length = _FRAME_HEAD + int.from_bytes(self._incoming[:3], "big")
        allowed = _FRAME_HEAD + self._h2.max_inbound_frame_size
        if len(self._incoming) < _FRAME_HEAD or len(self._incoming) < length <= allowed:
            return b""
        frame = bytes(self._incoming[:length])  # h2 refuses one that is longer than allowed by its head alone
        del self._incoming[:length]
        return frame

    def _handle(self, event: h2.events.Event) -> None:
        exchange = self._exchanges.get(getattr(event, "stream_id", None) or 0)
        match event:
            case h2.events.RemoteSettingsChanged():
                self._greeted = True
            case h2.events.ConnectionTerminated():
                self._farewell(event.last_stream_id or 0)
            case h2.events.ResponseReceived() if exchange is not None:
                exchange.put_head(event.headers or ())
            case h2.events.DataReceived() if exchange is not None:
                exchange.put(event.data or b"", event.flow_controlled_length or 0)
            case h2.events.StreamEnded() if exchange is not None:
                exchange.end()
            case h2.events.StreamReset() if exchange is not None:
                exchange.fail(_refusal(event.error_code))

    def _farewell(self, last: int) -> None:
        """The server takes no more, but answers what it has taken (RFC 9113 section 6.8), as nginx does after 1,000."""
        self.leaving = True
        # h2 takes the connection for closed, and would refuse the rest.
        self._h2.state_machine.state = ConnectionState.CLIENT_OPEN
        for exchange in self._exchanges.values():
            if exchange.number > last:
                exchange.fail(Unprocessed("the server was leaving"))


def _refusal(code: ErrorCodes | int | None) -> Exception:
    if code == ErrorCodes.REFUSED_STREAM:
        return Unprocessed("the server refused the request")
    return GivenUp(code.name if isinstance(code, ErrorCodes) else str(code))
