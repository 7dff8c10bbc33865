"""启动两个 TLS 服务器和一个代理，运行旁边的用例。 Two TLS servers and a proxy for the case beside this program.

    pip install trustme
    python examples/22_代理与证书/run.py

没有网络也能运行；证书是临时的，自己的 CA 签发。 It needs no network; the certificates are of a CA that lives as long as the run.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from base64 import b64encode
from functools import partial
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import trio
import trustme
from hypercorn.config import Config
from hypercorn.trio import serve
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

CASE = Path(__file__).with_name("_代理与证书.yaml")
PASSWORD = "s3cret"  # noqa: S105 - of an example


async def main() -> int:
    with TemporaryDirectory() as name:
        folder = Path(name)
        make_certificates(folder)
        with trio.fail_after(50):
            async with trio.open_nursery() as nursery:
                members = await start_server(nursery, folder, "members.test", asks_for_certificate=True)
                public = await start_server(nursery, folder, "public.test", asks_for_certificate=False)
                proxy = await start_proxy(nursery, {"members.test": members, "public.test": public})
                code = await run_case(folder, MEMBERS_PORT=members, PUBLIC_PORT=public, PROXY_PORT=proxy)
                nursery.cancel_scope.cancel()
    return code


async def run_case(folder: Path, **ports: int) -> int:
    """用例与证书放在一起，像在自己的项目中。 The case stands beside its certificates, as in a project of one's own."""
    case = copy(CASE, folder)
    environment = {name: str(port) for name, port in ports.items()}
    done = await trio.run_process(
        [sys.executable, "-m", "sisyphus", "--cases", case],
        env={**os.environ, **environment, "PROXY_PASSWORD": PASSWORD, "SSL_CERT_FILE": str(folder / "ca.pem")},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode


def make_certificates(folder: Path) -> None:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    client = ca.issue_cert("ann@members.test", common_name="ann")
    client.cert_chain_pems[0].write_to_path(folder / "client.pem")
    client.private_key_pem.write_to_path(folder / "client.key")
    for host in ("members.test", "public.test"):
        server = ca.issue_cert(host, "localhost")
        server.private_key_and_cert_chain_pem.write_to_path(folder / f"{host}.pem")


async def start_server(nursery: trio.Nursery, folder: Path, host: str, *, asks_for_certificate: bool) -> int:
    """一个 HTTPS 服务，支持 HTTP/2。 A service over TLS that speaks HTTP/2; gives its port."""

    def answer(request: Request) -> Response:
        return JSONResponse({"service": host, "path": request.url.path})

    config = Config()
    config.bind = ["127.0.0.1:0"]
    config.certfile = config.keyfile = str(folder / f"{host}.pem")
    if asks_for_certificate:
        config.ca_certs = str(folder / "ca.pem")
        config.verify_mode = ssl.CERT_REQUIRED
    config.errorlog = None  # 示例不需要日志 no logs for an example
    app = Starlette(routes=[Route("/{path:path}", answer)])
    (address,) = await nursery.start(partial(serve, app, config))  # type: ignore[arg-type]
    return int(address.rpartition(":")[2])


async def start_proxy(nursery: trio.Nursery, hosts: dict[str, int]) -> int:
    """一个要密码、只通向 `hosts` 的代理。 A proxy that wants a password and leads to `hosts` only; gives its port."""
    wanted = b"Basic " + b64encode(f"ann:{PASSWORD}".encode())

    async def tunnel(client: trio.SocketStream) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = await client.receive_some()
            if not more:
                return
            head += more
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        port = hosts.get(target.rpartition(":")[0])
        if wanted not in head:
            await client.send_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        elif method != "CONNECT" or port is None:
            await client.send_all(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        else:
            async with await trio.open_tcp_stream("127.0.0.1", port) as server:
                await client.send_all(b"HTTP/1.1 200 Connected\r\n\r\n")
                async with trio.open_nursery() as both_ways:
                    both_ways.start_soon(carry, client, server, both_ways.cancel_scope)
                    both_ways.start_soon(carry, server, client, both_ways.cancel_scope)

    (listener,) = await nursery.start(partial(trio.serve_tcp, tunnel, 0, host="127.0.0.1"))
    return int(listener.socket.getsockname()[1])


async def carry(source: trio.SocketStream, target: trio.SocketStream, tunnel: trio.CancelScope) -> None:
    """一端关闭，隧道就关闭。 The tunnel ends when one of its ends does."""
    try:
        async for data in source:
            await target.send_all(data)
    except trio.BrokenResourceError:
        pass
    tunnel.cancel()


if __name__ == "__main__":
    sys.exit(trio.run(main))
