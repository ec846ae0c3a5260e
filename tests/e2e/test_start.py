"""The served build: pages, state over the websocket, caching. Nothing here knows what the product does."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from playwright.async_api import Page, WebSocket, expect

from tests.servers import RunningServer, free_port, running_server


async def open_and_hydrate(page: Page, url: str) -> str:
    """Open `url` and wait until the state has answered over the websocket. Returns the socket's address."""
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def on_socket(socket: WebSocket) -> None:
        def on_frame(frame: str | bytes) -> None:
            if isinstance(frame, str) and '"delta"' in frame and not answered.done():
                answered.set_result(socket.url)

        socket.on("framereceived", on_frame)

    page.on("websocket", on_socket)
    await page.goto(url)
    return await asyncio.wait_for(answered, 15)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_pages_reach_their_state_on_any_port(server: RunningServer, page: Page, host: str) -> None:
    socket = await open_and_hydrate(page, f"http://{host}:{server.port}/")
    assert socket.startswith(f"ws://{host}:{server.port}/_event")


async def test_pages_reach_their_state_behind_a_proxy_with_tls(tmp_path: Path, page: Page) -> None:
    outside, inside = free_port(), free_port()
    public_url = f"https://localhost:{outside}"
    async with (
        running_server(tmp_path / "data", port=inside, PUBLIC_URL=public_url) as server,
        tls_proxy(outside, inside, tmp_path),
    ):
        socket = await open_and_hydrate(page, f"{public_url}/")
        assert socket.startswith(f"wss://localhost:{outside}/_event")
        await expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        assert page.url.startswith(f"{public_url}/sign-in")
        await page.close()
        left_open = await page.context.new_page()
        await open_and_hydrate(left_open, f"{public_url}/sign-in/")
        await asyncio.to_thread(server.stop)
        assert "error" not in server.log, "an open page is no trouble at the end"
        await left_open.close()  # and with it the socket, before the proxy goes


async def test_a_redirect_names_no_scheme_and_no_host(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        for path, leads_to in (("/sign-in?next=%2Fbots", "/sign-in/?next=%2Fbots"), ("//sign-up", "/sign-up/")):
            assert (await client.get(f"{server.url}{path}")).headers["location"] == leads_to


async def test_assets_are_compressed_and_kept_forever_and_pages_are_not(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        index = await client.get("/")
        assert index.headers["cache-control"] == "no-cache"
        for own in ("upload.js", "tokens.css", "logo.svg"):
            assert (await client.get(f"/{own}")).headers["cache-control"] == "no-cache", own
        script = index.text.split('href="/assets/')[1].split('"')[0]
        asset = await client.get(f"/assets/{script}")
        assert asset.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert asset.headers["content-encoding"] == "gzip"
        missing = await client.get("/assets/missing-1234.js")
        assert missing.status_code == httpx.codes.NOT_FOUND
        assert "immutable" not in missing.headers.get("cache-control", "")


async def test_hundreds_who_only_hold_a_connection_shut_nobody_out(server: RunningServer) -> None:
    half = (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    )
    writers: list[asyncio.StreamWriter] = []
    try:
        for number in range(300):
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writers.append(writer)
            writer.write((b"", b"POST /api", half)[number % 3])
            await writer.drain()
        async with httpx.AsyncClient(base_url=server.url, timeout=15) as client:
            assert (await client.get("/api/health")).status_code == httpx.codes.OK
    finally:
        for writer in writers:
            writer.close()


@asynccontextmanager
async def tls_proxy(outside: int, inside: int, folder: Path) -> AsyncIterator[None]:
    """Accept TLS on `outside` and pass the bytes to `inside`, both ports of 127.0.0.1."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", inside)
        except ConnectionError:  # the page goes on trying when the server has ended
            writer.close()
            return
        await asyncio.gather(pump(reader, back_writer), pump(back_reader, writer))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(folder))
    proxy = await asyncio.start_server(handle, "127.0.0.1", outside, ssl=context)
    try:
        yield
    finally:
        proxy.close()


def self_signed(folder: Path) -> Path:
    """A file with a key and a certificate for localhost, valid for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    certificate = builder.sign(key, hashes.SHA256())
    path = folder / "localhost.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
