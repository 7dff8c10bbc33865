from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from sisyphus.errors import BodyError, BrokenResponse, ConnectError, FieldError, NetworkError, ResolveError
from sisyphus.http import Call, Session

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:  # bound but not listening: nobody else gets it, and nobody answers
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


async def test_nobody_listening_says_where(session: Session, closed_port: int) -> None:
    with pytest.raises(ConnectError) as caught:
        await session.send(Call(url=f"http://127.0.0.1:{closed_port}/x"))
    assert str(caught.value) == f"nothing listens on 127.0.0.1:{closed_port} (connection refused)"
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_an_ipv6_address_is_written_in_brackets(session: Session, closed_port: int) -> None:
    with pytest.raises(ConnectError, match=r"\[::1\]:"):
        await session.send(Call(url=f"http://[::1]:{closed_port}/"))


@pytest.mark.parametrize("host", ["nonexistent.invalid", "a..b", "a" * 70 + ".invalid"])
async def test_a_name_without_address_says_which(session: Session, host: str) -> None:
    class Resolver(trio.abc.HostnameResolver):
        async def getaddrinfo(self, *args: Any, **kwargs: Any) -> Any:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        async def getnameinfo(self, *args: Any) -> Any: ...

    trio.socket.set_custom_hostname_resolver(Resolver())
    with pytest.raises(ResolveError, match=f"the host name '{host}' has no address: "):
        await session.send(Call(url=f"http://{host}/"))


async def test_an_unreachable_network_says_why(session: Session) -> None:
    with pytest.raises(NetworkError, match=r"255\.255\.255\.255:80 cannot be reached: "):
        await session.send(Call(url="http://255.255.255.255/"))


async def test_a_process_without_files_to_open_does_not_blame_the_service(
    serve: Any, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = await serve()

    def no_more(*args: Any) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(trio.socket, "socket", no_more)
        with pytest.raises(ConnectError, match="as many files and connections open as it may") as caught:
            await session.send(Call(url=server.url))
    assert "--jobs" in caught.value.suggestion
    assert "service" not in caught.value.suggestion


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "closed the connection without an answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", r"does not answer in HTTP: it says 'SSH-2\.0-OpenSSH_9\.2'"),
        (b"\x00\x01\x02\x03\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "does not answer in HTTP"),
        (HEAD, "in the middle of the answer's headers"),
        (HEAD + b"Content-Length: 100\r\n\r\n0123456789", "before the answer was complete: got 10 of 100 bytes"),
        (HEAD + b"Content-Length: ten\r\n\r\n", "not valid HTTP: bad Content-Length"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "not valid HTTP: conflicting Content-Length"),
        (HEAD + b"no colon here\r\n\r\n", "not valid HTTP: illegal header line"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", "not valid HTTP: illegal chunk header"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabcd\r\n0\r\n\r\n", "not valid HTTP: malformed chunk footer"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n9\r\nab", "its last chunk did not come"),
    ],
)
async def test_an_answer_that_is_not_http_or_not_whole_says_so(
    serve: Any, session: Session, says: Any, raw: bytes, message: str
) -> None:
    server = await serve(says(raw, hangs_up=True))
    with pytest.raises(BrokenResponse, match=message) as caught:
        await session.send(Call(url=server.url))
    assert str(caught.value).find(server.url.removeprefix("http://")) >= 0
    assert caught.value.__cause__ is not None


async def test_headers_without_end_are_cut_off(serve: Any, session: Session) -> None:
    async def endless(stream: trio.abc.Stream) -> None:
        await stream.send_all(HEAD)
        while True:
            await stream.send_all(b"X-More: and more\r\n" * 1000)

    server = await serve(endless)
    with pytest.raises(BrokenResponse, match=r"the headers of the answer of .* do not end"):
        await session.send(Call(url=server.url))


async def test_a_connection_that_is_reset_in_the_body_says_so(serve: Any, session: Session) -> None:
    async def resets(stream: trio.SocketStream) -> None:
        await stream.send_all(HEAD + b"Content-Length: 100\r\n\r\nabc")
        await trio.sleep(0.02)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        await stream.aclose()

    server = await serve(resets)
    with pytest.raises(BrokenResponse, match="broke before the answer was complete"):
        await session.send(Call(url=server.url))


async def test_a_body_that_is_not_encoded_as_it_says_is_an_error_and_its_connection_is_not_used_again(
    serve: Any, session: Session, answer: Any
) -> None:
    server = await serve(answer(b"this is no gzip", "Content-Encoding: gzip"), answer(b'"fine"'))
    with pytest.raises(BodyError, match="the body is not gzip, as its Content-Encoding says"):
        await session.send(Call(url=server.url))
    assert (await session.send(Call(url=server.url))).body == "fine"


async def test_an_encoding_nobody_knows_leaves_the_bytes_as_they_are(serve: Any, session: Session, answer: Any) -> None:
    server = await serve(answer(b"plain", "Content-Encoding: klingon", content_type="text/plain"))
    assert (await session.send(Call(url=server.url))).text == "plain"


async def test_a_request_whose_headers_contradict_its_body_is_the_fault_of_the_step(
    serve: Any, session: Session
) -> None:
    server = await serve()
    with pytest.raises(FieldError, match="cannot be written as HTTP: Too much data for declared Content-Length"):
        await session.send(Call(url=server.url, method="POST", body="too long", headers={"Content-Length": 3}))


@pytest.mark.parametrize("raw", [b"", HEAD + b"Content-Length: 100\r\n\r\nab", b"junk\r\n\r\n"])
async def test_after_a_failure_the_pools_work_on(
    serve: Any, session: Session, says: Any, answer: Any, raw: bytes
) -> None:
    server = await serve(says(raw, hangs_up=True), answer(b'"fine"'))
    with pytest.raises(NetworkError):
        await session.send(Call(url=server.url))
    assert (await session.send(Call(url=server.url))).body == "fine"
