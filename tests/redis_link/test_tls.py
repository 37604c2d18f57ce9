"""Redis behind TLS: trusted by the certificates that are named, and by no others."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deskhand.clock import SystemClock
from deskhand.realtime.bus.redis import RedisBus
from deskhand.redis_link.errors import RedisUnavailable
from deskhand.redis_link.redis import RedisLink
from realtime.bus_contract import Ear


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for 127.0.0.1 that vouches for itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis of a test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "redis.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
async def tls_port(redis_url: str, certificate: Path) -> AsyncIterator[int]:
    """TLS in front of the plain server."""
    target = int(redis_url.split(":")[2].split("/", maxsplit=1)[0])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    open_writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_target, to_target = await asyncio.open_connection("127.0.0.1", target)
        open_writers.extend((writer, to_target))
        await asyncio.gather(pump(reader, to_target), pump(from_target, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in open_writers:
        writer.transport.abort()
    await asyncio.gather(*(writer.wait_closed() for writer in open_writers), return_exceptions=True)


async def test_a_server_is_trusted_by_the_certificates_that_are_named(tls_port: int, certificate: Path) -> None:
    link = RedisLink(f"rediss://127.0.0.1:{tls_port}/0", clock=SystemClock(), ca_file=certificate, limit_seconds=5.0)
    await link.ask("SET", "key", "value")
    assert await link.ask("GET", "key") == b"value"
    bus, other = RedisBus(link), RedisBus(link)
    bus.start()
    other.start()
    ear = Ear(bus, "a")
    await ear.until_joined()
    other.send("a", b"heard")
    await ear.until(lambda ear: ear.heard == [b"heard"])
    await bus.close()
    await other.close()
    await link.close()


async def test_a_server_that_nobody_vouches_for_is_not_spoken_to(tls_port: int) -> None:
    link = RedisLink(f"rediss://127.0.0.1:{tls_port}/0", clock=SystemClock(), limit_seconds=5.0)
    with pytest.raises(RedisUnavailable):
        await link.ask("SET", "key", "value")
    await link.close()
