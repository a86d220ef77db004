import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from speech.errors import Cancelled, InvalidRequest, SpeechError, TooLarge
from speech.settings import Settings
from worker import fetch as module
from worker.addresses import allowed
from worker.fetch import fetch, parse

PUBLIC = Settings()
LOOPBACK = Settings(allow_private_urls=True, upload_max_bytes=1_000_000, download_timeout=5)
QUICK = Settings(allow_private_urls=True, upload_max_bytes=1_000_000, download_timeout=0.6)


class Host(BaseHTTPRequestHandler):
    """A host that does what the path says, some of it nasty."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append((self.path, dict(self.headers)))
        with suppress(OSError):
            getattr(self, self.path[1:].partition("/")[0], self.missing)()
        self.close_connection = True

    def head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def missing(self) -> None:
        self.head(404, Content_Length=0)

    def ok(self) -> None:
        self.head(Content_Length=5, Content_Type="audio/wav")
        self.wfile.write(b"hello")

    def chunked(self) -> None:
        self.head(Transfer_Encoding="chunked")
        self.wfile.write(b"5\r\nhello\r\n0\r\n\r\n")

    def broken_chunk(self) -> None:
        self.head(Transfer_Encoding="chunked")
        self.wfile.write(b"5\r\nhel")

    def short(self) -> None:
        self.head(Content_Length=50)
        self.wfile.write(b"hello")

    def huge(self) -> None:
        self.head(Content_Length=10**12)

    def endless(self) -> None:
        self.head()
        while not self.server.over.is_set():
            self.wfile.write(bytes(65_536))

    def slow(self) -> None:
        self.head(Content_Length=10_000)
        while not self.server.over.wait(0.05):
            self.wfile.write(b"x")

    def slow_headers(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not self.server.over.wait(0.05):
            self.wfile.write(b"X: y\r\n")

    def garbage(self) -> None:
        self.wfile.write(b"\x00\xff nothing of HTTP\r\n\r\n")

    def hop(self) -> None:
        left = int(self.path.rpartition("/")[2])
        self.head(302, Location=f"/hop/{left - 1}" if left else "/ok", Content_Length=0)

    def to(self) -> None:
        self.head(302, Location=self.server.to, Content_Length=0)

    def nowhere(self) -> None:
        self.head(302, Content_Length=0)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving(context: ssl.SSLContext | None = None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.daemon_threads = True
    server.seen, server.to, server.over = [], "", threading.Event()
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def host():
    with serving() as server:
        server.url = f"http://127.0.0.1:{server.server_port}"
        yield server


def refusal(url, path, settings=PUBLIC) -> str:
    with pytest.raises(InvalidRequest) as caught:
        fetch(url, path / "file", settings)
    assert caught.value.param == "url"
    assert not (path / "file").exists()
    return caught.value.code


DENIED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.255.255.254
168.63.129.16 169.254.169.254 169.254.0.1 172.16.0.1 172.31.255.255 192.0.0.8 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.7 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:a9fe:a9fe ::ffff:0:127.0.0.1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::10.0.0.1 64:ff9b:1::a00:1 100::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2002:7f00:1::
2002:a00:1::1 2002:a9fe:a9fe::1 2620:4f:8000::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd12:3456::1
fe80::1 fe80::1%eth0 fec0::1 ff02::1 ff05::2 4000::1 1::1 nonsense 1.2.3 1.2.3.4.5
""".split()
PUBLIC_ONES = """
1.1.1.1 8.8.8.8 93.184.216.34 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 192.0.1.1
223.255.255.255 2606:4700:4700::1111 2a00:1450:4001::8a 64:ff9b::808:808 ::ffff:8.8.8.8
""".split()


@pytest.mark.parametrize("address", DENIED)
def test_an_address_that_is_not_public_is_denied(address):
    assert not allowed(address)


@pytest.mark.parametrize("address", PUBLIC_ONES)
def test_a_public_address_is_allowed(address):
    assert allowed(address)


def test_the_test_setting_lets_loopback_through_and_nothing_else():
    assert allowed("127.0.0.1", loopback=True)
    assert allowed("::1", loopback=True)
    through = {address for address in DENIED if allowed(address, loopback=True)}
    assert through == {
        "127.0.0.1",
        "127.255.255.254",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
    }


@pytest.mark.parametrize(
    "spelling",
    [
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "017700000001",
        "１２７.０.０.１",
        "127。0。0。1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[0:0:0:0:0:ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[fe80::1%25lo]",
        "0",
        "0.0.0.0",
    ],
)
def test_a_private_address_in_any_spelling_is_refused_with_no_packet(
    spelling, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_dial", lambda *_: pytest.fail("a connection was tried"))
    assert refusal(f"http://{spelling}/a.wav", tmp_path) in {"url_not_allowed", "url_unreachable"}


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a",
        "file:///etc/hostname",
        "gopher://example.com/",
        "//example.com/a",
        "example.com/a.wav",
        "",
        "http://",
        "http:///a",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://@example.com/",
        "http://1.1.1.1:80@127.0.0.1/",
        "http://example.com:22/",
        "http://example.com:25/",
        "http://example.com:5672/",
        "http://example.com:6379/",
        "http://example.com:9200/",
        "https://example.com:8443/",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://example.com/a\r\nHost: b",
        "http://exam\tple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://[::1",
        "http://" + "a" * 300 + ".com/",
        "http://example.com/" + "a" * 9000,
    ],
)
def test_a_url_that_is_not_plain_http_is_refused_before_its_name_is_asked(
    url, tmp_path, monkeypatch
):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("a name was asked"))
    assert refusal(url, tmp_path) == "url_not_allowed"


def test_korean_names_and_spaces_are_percent_encoded():
    target = parse("https://예시.한국/녹음 1.mp3?이름=가#조각")
    assert target.host == "xn--vv4b11d.xn--3e0b707e"
    assert target.path == "/%EB%85%B9%EC%9D%8C%201.mp3?%EC%9D%B4%EB%A6%84=%EA%B0%80"
    assert parse("https://example.com/a%20b").path == "/a%20b"


def test_every_refusal_says_the_same(tmp_path):
    said = set()
    for url in ("http://127.0.0.1/", "http://10.0.0.1:22/", "file:///x", "http://localhost/"):
        with pytest.raises(InvalidRequest) as caught:
            fetch(url, tmp_path / "file", PUBLIC)
        said.add((caught.value.code, caught.value.message(), caught.value.message("ko")))
    assert len(said) == 1


def answering(*rounds):
    """A resolver that gives each round's addresses once, and the last round's for ever."""
    left = list(rounds)

    def resolve(_name, port, *_, **__):
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in addresses]

    return resolve


def test_one_private_answer_among_public_ones_refuses_the_name(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", answering(["8.8.8.8", "10.0.0.1"]))
    monkeypatch.setattr(module, "_dial", lambda *_: pytest.fail("a connection was tried"))
    assert refusal("http://mixed.example/", tmp_path) == "url_not_allowed"


def test_a_name_that_turns_private_after_the_check_is_not_asked_again(tmp_path, monkeypatch):
    dialed = []

    def dial(address, timeout):
        dialed.append(address)
        raise OSError

    resolver = answering(["93.184.216.34"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    monkeypatch.setattr(socket, "create_connection", dial)
    assert refusal("http://rebind.example/", tmp_path) == "url_unreachable"
    assert dialed == [("93.184.216.34", 80)]
    assert resolver("rebind.example", 80)[0][4][0] == "127.0.0.1"


def test_a_file_is_fetched_whole(host, tmp_path):
    got = fetch(f"{host.url}/ok", tmp_path / "file", LOOPBACK)
    assert (got.bytes, got.content_type) == (5, "audio/wav")
    assert (tmp_path / "file").read_bytes() == b"hello"
    assert fetch(f"{host.url}/chunked", tmp_path / "file", LOOPBACK).bytes == 5


def test_the_request_names_its_host_and_asks_for_bytes_as_they_are(host, tmp_path):
    fetch(f"http://localhost:{host.server_port}/ok", tmp_path / "file", LOOPBACK)
    headers = host.seen[0][1]
    assert headers["Host"] == f"localhost:{host.server_port}"
    assert headers["Accept-Encoding"] == "identity"
    assert "Authorization" not in headers


def test_proxies_and_netrc_of_the_environment_are_not_used(host, tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert fetch(f"{host.url}/ok", tmp_path / "file", LOOPBACK).bytes == 5
    assert "Authorization" not in host.seen[0][1]


def test_three_redirects_are_followed_and_not_four(host, tmp_path):
    assert fetch(f"{host.url}/hop/2", tmp_path / "file", LOOPBACK).bytes == 5
    assert refusal(f"{host.url}/hop/3", tmp_path, LOOPBACK) == "url_not_allowed"
    assert refusal(f"{host.url}/hop/50", tmp_path, LOOPBACK) == "url_not_allowed"


@pytest.mark.parametrize(
    "to",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "file:///etc/hostname",
        "ftp://127.0.0.1/",
        "http://user:pass@127.0.0.1/",
        "gs://bucket/a",
    ],
)
def test_a_redirect_is_checked_as_the_first_url_was(host, tmp_path, to):
    host.to = to
    assert refusal(f"{host.url}/to", tmp_path, LOOPBACK) == "url_not_allowed"
    assert len(host.seen) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing", "url_status"),
        ("nowhere", "url_not_allowed"),
        ("short", "url_unreachable"),
        ("broken_chunk", "url_unreachable"),
        ("garbage", "url_unreachable"),
        ("huge", "url_too_large"),
        ("endless", "url_too_large"),
    ],
)
def test_a_host_that_misbehaves_is_an_error_and_leaves_no_file(host, tmp_path, path, code):
    assert refusal(f"{host.url}/{path}", tmp_path, LOOPBACK) == code


def test_too_large_is_its_own_kind_and_names_the_limit(host, tmp_path):
    with pytest.raises(TooLarge, match="1000000"):
        fetch(f"{host.url}/endless", tmp_path / "file", LOOPBACK)


@pytest.mark.parametrize("path", ["slow", "slow_headers"])
def test_a_host_that_trickles_is_cut_off_by_the_clock(host, tmp_path, path):
    began = time.monotonic()
    assert refusal(f"{host.url}/{path}", tmp_path, QUICK) == "url_timeout"
    assert time.monotonic() - began < 3


def test_a_port_with_nobody_behind_it_is_unreachable(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/"
        assert refusal(url, tmp_path, LOOPBACK) == "url_unreachable"


def test_a_name_that_does_not_resolve_is_unreachable(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert refusal("http://nobody.example/", tmp_path) == "url_unreachable"


def test_a_full_disk_is_not_blamed_on_the_host(host, tmp_path):
    with pytest.raises(OSError, match="No such file") as caught:
        fetch(f"{host.url}/ok", tmp_path / "no folder" / "file", LOOPBACK)
    assert not isinstance(caught.value, SpeechError)


def test_a_cancelled_job_stops_its_download(host, tmp_path):
    calls = iter(range(3))

    def check() -> None:
        if next(calls) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(f"{host.url}/endless", tmp_path / "file", LOOPBACK, check)
    assert not (tmp_path / "file").exists()


def test_no_more_downloads_run_at_once_than_allowed(host, tmp_path):
    module._slots.cache_clear()
    settings = Settings(allow_private_urls=True, download_timeout=30, concurrent_downloads=2)
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    def run(number: int) -> None:
        with suppress(Cancelled):
            fetch(f"{host.url}/slow", tmp_path / str(number), settings, check)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 10
    while len(host.seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not module._slots(2).acquire(timeout=0.3)
    assert len(host.seen) == 2
    stop.set()
    for thread in threads:
        thread.join(10)
    module._slots.cache_clear()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for the name good.example, signed by itself."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "good.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("good.example")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize(
    ("name", "trusted", "works"),
    [("good.example", True, True), ("bad.example", True, False), ("good.example", False, False)],
)
def test_the_certificate_must_show_the_name_though_the_address_is_pinned(
    certificate, tmp_path, monkeypatch, name, trusted, works
):
    asked = []
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(certificate)
    server_side.sni_callback = lambda _sock, sni, _context: asked.append(sni)
    client_side = ssl.create_default_context(cafile=certificate if trusted else None)
    monkeypatch.setattr(module, "_tls", lambda: client_side)
    monkeypatch.setattr(socket, "getaddrinfo", answering(["127.0.0.1"]))
    with serving(server_side) as server:
        url = f"https://{name}:{server.server_port}/ok"
        if works:
            assert fetch(url, tmp_path / "file", LOOPBACK).bytes == 5
        else:
            assert refusal(url, tmp_path, LOOPBACK) == "url_unreachable"
    assert asked == [name]


def test_the_machines_certificates_are_checked():
    context = module._tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] > 50
