"""Client certificates, shown to a server that asks for them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from sisyphus.errors import TlsError
from sisyphus.http import Call, Pools, Session
from sisyphus.http.tls import Certificate


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def asking(ca: trustme.CA) -> ssl.SSLContext:
    """What a server needs that lets in only who shows a certificate of `ca`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where a refusal is part of the handshake
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    return context


@pytest.fixture
async def pools(ca: trustme.CA) -> AsyncIterator[Pools]:
    def make(verify: bool) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        ca.configure_trust(context)
        return context

    async with Pools(tls=make) as pools:
        yield pools


@pytest.fixture
def leaf(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("me@client.test")


@pytest.fixture
def files(leaf: trustme.LeafCert, tmp_path: Path) -> dict[str, str]:
    """Where the certificate, its key, and both in one file are; and the key under a password."""
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "client.key")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    key = serialization.load_pem_private_key(leaf.private_key_pem.bytes(), None)
    locked = serialization.BestAvailableEncryption("sesam ü".encode())
    (tmp_path / "locked.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
    )
    trustme.CA().issue_cert("other.test").private_key_pem.write_to_path(tmp_path / "other.key")
    (tmp_path / "garbage.pem").write_text("nothing of this is PEM")
    return {path.name: str(path) for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("file", "key", "password"),
    [
        ("both.pem", None, None),
        ("client.pem", "client.key", None),
        ("client.pem", "locked.key", "sesam ü"),
        ("client.pem", "client.key", "not needed"),
    ],
)
async def test_a_server_that_asks_is_shown_the_certificate(
    serve: Any,
    session: Session,
    asking: ssl.SSLContext,
    files: dict[str, str],
    file: str,
    key: str | None,
    password: str | None,
) -> None:
    server = await serve(tls=asking)
    certificate = Certificate(file=files[file], key=files[key] if key else None, password=password)
    assert (await session.send(Call(url=server.url), certificate=certificate)).status_code == 200


async def test_who_has_shown_one_and_who_has_not_share_no_connection(
    serve: Any, session: Session, asking: ssl.SSLContext, files: dict[str, str]
) -> None:
    server = await serve(tls=asking)
    await session.send(Call(url=server.url), certificate=Certificate(file=files["both.pem"]))
    with pytest.raises(TlsError):
        await session.send(Call(url=server.url))
    await session.send(Call(url=server.url), certificate=Certificate(file=files["both.pem"]))
    assert len(server.requests) == 2
    assert server.connections == 2


@pytest.mark.parametrize(
    ("file", "key", "password", "reason"),
    [
        ("client.pem", None, None, "PEM lib"),
        ("client.pem", "locked.key", None, "PEM lib"),
        ("client.pem", "locked.key", "wrong", "PEM lib"),
        ("client.pem", "other.key", None, "KEY_VALUES_MISMATCH"),
        ("garbage.pem", None, None, "PEM lib"),
    ],
)
async def test_files_that_cannot_be_used_are_named(
    session: Session, files: dict[str, str], file: str, key: str | None, password: str | None, reason: str
) -> None:
    certificate = Certificate(file=files[file], key=files[key] if key else None, password=password)
    with pytest.raises(TlsError, match=r"the client certificate .* cannot be loaded: ") as caught:
        await session.send(Call(url="https://127.0.0.1:9/"), certificate=certificate)
    assert files[file] in str(caught.value)
    assert reason.lower().replace("_", " ") in str(caught.value).lower().replace("_", " ")
    assert "password" in caught.value.suggestion
    assert password is None or password not in str(caught.value)


def test_a_password_is_not_shown() -> None:
    assert "sesam" not in repr(Certificate(file="a", password="sesam"))
