"""Downloads of inputs: public addresses only, counted in bytes and seconds."""

import errno
import functools
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

import certifi

from speech.errors import InvalidRequest, SpeechError, TooLarge
from speech.settings import Settings
from worker.addresses import allowed

MAX_REDIRECTS = 3
PORTS = {80, 443}
_CHUNK = 262_144  # bytes
_IDLE = 60.0  # seconds a host may say nothing
_LOCAL = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.ENOENT,
}  # our disk, not the host
_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # nothing is unpacked here, so nothing can blow up
    "Connection": "close",
    "User-Agent": "moksori",
}


@dataclass(frozen=True)
class Fetched:
    """What came."""

    bytes: int
    content_type: str


@dataclass(frozen=True)
class Target:
    """A URL taken apart and checked, all but its address."""

    scheme: str
    host: str  # ASCII
    port: int
    path: str  # with the query, percent-encoded


def fetch(
    url: str, path: Path, settings: Settings, check: Callable[[], None] = lambda: None
) -> Fetched:
    """Download `url` to `path`: whole, or an error and no file.

    Every address that a host resolves to must be public, and the one connected to is one of those checked;
    each redirect is checked anew. Environment proxies and .netrc are not read. At most
    `settings.concurrent_downloads` run at once in this process; `check` is called between chunks. Raises
    InvalidRequest (url_not_allowed, url_unreachable, url_status, url_timeout) and TooLarge (url_too_large).
    """
    with _slot(settings.concurrent_downloads, check):
        download = _Download(settings, check)
        try:
            return download.run(url, path)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def parse(url: str, any_port: bool = False) -> Target:
    """A URL's parts. Raises InvalidRequest("url_not_allowed") for another scheme, port, or user name."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    except (ValueError, KeyError):  # UnicodeError is a ValueError
        raise _not_allowed() from None
    strange = any(ord(character) < 32 or character in "\\\x7f" for character in url)
    if strange or not host or "%" in host or "@" in parts.netloc or len(url) > 8192:
        raise _not_allowed()
    if port not in PORTS and not any_port:
        raise _not_allowed()
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~?")
    return Target(parts.scheme, host, port, f"{target}?{query}" if query else target)


def resolve(target: Target, loopback: bool) -> list[str]:
    """The addresses of a target's host, all of them checked. Raises InvalidRequest."""
    try:
        answers = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidRequest("url_unreachable", param="url") from None
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not addresses or not all(allowed(address, loopback) for address in addresses):
        raise _not_allowed()
    return addresses


class _Download:
    """One download: its clock runs over redirects and all."""

    def __init__(self, settings: Settings, check: Callable[[], None]) -> None:
        self.settings, self.check = settings, check
        self.deadline = time.monotonic() + settings.download_timeout

    def run(self, url: str, path: Path) -> Fetched:
        for _ in range(MAX_REDIRECTS + 1):
            self.check()
            with self._answer(url) as answer:
                if answer.status not in {301, 302, 303, 307, 308}:
                    return self._save(answer, path)
                url = urljoin(url, _text(answer.getheader("Location", "")))
        raise _not_allowed()

    @contextmanager
    def _answer(self, url: str) -> Iterator[http.client.HTTPResponse]:
        loopback = self.settings.allow_private_urls
        target = parse(url, any_port=loopback)
        addresses = resolve(target, loopback)
        with self._guard(), _line(addresses, target, self.deadline) as connection:
            connection.request("GET", target.path, headers=_HEADERS)
            with connection.getresponse() as answer:
                yield answer

    def _save(self, answer: http.client.HTTPResponse, path: Path) -> Fetched:
        if answer.status != 200:
            raise InvalidRequest("url_status", param="url", status=answer.status)
        most, size = self.settings.upload_max_bytes, 0
        promised = answer.length  # None when the answer is chunked, or just ends
        if (promised or 0) > most:
            raise TooLarge("url_too_large", param="url", limit_bytes=most)
        with path.open("wb") as file:
            while chunk := answer.read1(_CHUNK):
                self.check()
                size += len(chunk)
                if size > most:
                    raise TooLarge("url_too_large", param="url", limit_bytes=most)
                file.write(chunk)
        if time.monotonic() >= self.deadline or (promised is not None and size < promised):
            raise http.client.IncompleteRead(b"")
        return Fetched(size, answer.getheader("Content-Type", "application/octet-stream"))

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Network trouble as the caller's errors: late, or not at all."""
        try:
            yield
        except SpeechError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            if getattr(error, "errno", None) in _LOCAL:
                raise
            if time.monotonic() >= self.deadline:
                seconds = round(self.settings.download_timeout)
                raise InvalidRequest("url_timeout", param="url", seconds=seconds) from None
            raise InvalidRequest("url_unreachable", param="url") from None


@contextmanager
def _line(
    addresses: list[str], target: Target, deadline: float
) -> Iterator[http.client.HTTPConnection]:
    """A connection to one of the checked addresses; cut at the deadline, however busy it is."""
    sock = _dial(addresses, target.port, deadline)
    try:
        if target.scheme == "https":  # the name is still what the certificate must show
            sock = _tls().wrap_socket(sock, server_hostname=target.host)
        sock.settimeout(_IDLE)
        cut = threading.Timer(deadline - time.monotonic(), _cut, [sock])
        cut.daemon = True
        cut.start()
        try:
            connection = _CONNECTIONS[target.scheme](target.host, target.port)
            connection.sock = sock
            yield connection
        finally:
            cut.cancel()
    finally:
        sock.close()


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # not TLS's own, which would wait its turn


_CONNECTIONS: dict[str, type[http.client.HTTPConnection]] = {
    "http": http.client.HTTPConnection,
    "https": http.client.HTTPSConnection,
}


def _dial(addresses: list[str], port: int, deadline: float) -> socket.socket:
    for number, address in enumerate(addresses):
        left = deadline - time.monotonic()
        try:
            return socket.create_connection((address, port), timeout=max(0.001, min(left, 15)))
        except OSError:
            if number == len(addresses) - 1:
                raise
    raise OSError("no address")


@functools.cache
def _tls() -> ssl.SSLContext:
    """The machine's certificates and certifi's: a bare machine has none of its own."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


@contextmanager
def _slot(count: int, check: Callable[[], None]) -> Iterator[None]:
    slots = _slots(count)
    while not slots.acquire(timeout=0.25):
        check()
    try:
        yield
    finally:
        slots.release()


@functools.cache
def _slots(count: int) -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(max(1, count))


def _text(header: str) -> str:
    """A header that holds raw UTF-8, which http.client reads as Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _not_allowed() -> InvalidRequest:
    """One sentence for every refusal, so that it says nothing of what is behind a name or port."""
    return InvalidRequest("url_not_allowed", param="url", redirects=MAX_REDIRECTS)
