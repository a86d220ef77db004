"""Signed V4 URLs: a verifier made from Google's description and proven on Google's vectors judges ours."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from google.auth import credentials as google_credentials
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client, _signing
from google.oauth2 import service_account

from speech.gcs import GoogleStorage
from speech.gcs_signing import Signer
from speech.links import Links

DATA = json.loads((Path(__file__).parent / "data" / "v4_signatures.json").read_text("utf-8"))
EMAIL = "voice@example-project.iam.gserviceaccount.com"


def verify(url: str, key: rsa.RSAPublicKey) -> dict[str, str]:
    """What Google does with a GET of a V4 URL: raises InvalidSignature, else the URL's parameters.

    Canonical request: verb, path, sorted parameters without the signature, the host header, its name,
    UNSIGNED-PAYLOAD. String to sign: algorithm, date, scope, SHA-256 of that.
    """
    parts = urlsplit(url)
    query, _, signature = parts.query.rpartition("&X-Goog-Signature=")
    values = dict(parse_qsl(query, keep_blank_values=True))
    assert values["X-Goog-SignedHeaders"] == "host"
    ordered = "&".join(sorted(query.split("&")))
    request = f"GET\n{parts.path}\n{ordered}\nhost:{parts.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    scope = values["X-Goog-Credential"].split("/", 1)[1]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join([values["X-Goog-Algorithm"], values["X-Goog-Date"], scope, digest])
    key.verify(bytes.fromhex(signature), text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return values


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def credentials(key: rsa.RSAPrivateKey) -> service_account.Credentials:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    info = {
        "client_email": EMAIL,
        "private_key": pem.decode(),
        "token_uri": "http://127.0.0.1:9/token",
    }
    return service_account.Credentials.from_service_account_info(info)


class Signed(GoogleStorage):
    """A storage whose credentials are given instead of found."""

    def __init__(self, credentials: Any, request: Any = None, prefix: str = "") -> None:
        super().__init__(f"gs://test-bucket/{prefix}", Links("http://127.0.0.1:8000", "secret"))
        bucket = Client(project=None, credentials=credentials).bucket("test-bucket")
        self._mine = lambda: (0, bucket, Signer.of(credentials, request))  # type: ignore


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda v: v["description"])
def test_the_verifier_accepts_googles_published_urls_and_no_other(vector: dict[str, Any]):
    public = rsa.RSAPublicNumbers(DATA["public_key"]["e"], int(DATA["public_key"]["n"]))
    verify(vector["expectedUrl"], public.public_key())
    for altered in (
        vector["expectedUrl"].replace("/test-", "/other-", 1),
        vector["expectedUrl"].replace("Expires=", "Expires=9", 1),
    ):
        with pytest.raises(InvalidSignature):
            verify(altered, public.public_key())


@pytest.mark.parametrize("vector", DATA["vectors"], ids=lambda v: v["description"])
def test_the_string_to_sign_is_googles_published_one(vector: dict[str, Any]):
    class Recorder(google_credentials.Signing):
        signer = None
        signer_email = "test-iam-credentials@dummy-project-id.iam.gserviceaccount.com"

        def sign_bytes(self, message: bytes) -> bytes:
            self.signed = message.decode()
            return b""

    recorder = Recorder()
    time = datetime.fromisoformat(vector["timestamp"])
    _signing.generate_signed_url_v4(
        recorder,
        resource=vector["expectedCanonicalRequest"].splitlines()[1],
        expiration=vector["expiration"],
        api_access_endpoint="https://storage.googleapis.com",
        query_parameters=vector.get("queryParameters"),
        _request_timestamp=time.strftime("%Y%m%dT%H%M%SZ"),
    )
    assert recorder.signed == vector["expectedStringToSign"]


@pytest.mark.parametrize("name", ["안녕하세요 1.wav", "a+b & 'c'.srt", "plain.wav"])
def test_our_url_is_one_that_google_accepts(
    credentials: service_account.Credentials, key: rsa.RSAPrivateKey, name: str
):
    storage = Signed(credentials, prefix="목소리/a b")
    url = storage.url(f"t/default/{name}", name, "audio/wav", 900)
    values = verify(url, key.public_key())
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "storage.googleapis.com")
    assert unquote(parts.path) == f"/test-bucket/목소리/a b/t/default/{name}" and url.isascii()
    assert values["X-Goog-Expires"] == "900"
    assert values["X-Goog-Credential"].startswith(f"{EMAIL}/")
    assert values["response-content-type"] == "audio/wav"
    saved_as = values["response-content-disposition"].split("filename*=UTF-8''")[1]
    assert unquote(saved_as) == name


def test_our_url_with_another_object_lifetime_or_name_is_refused(
    credentials: service_account.Credentials, key: rsa.RSAPrivateKey
):
    url = Signed(credentials).url("t/1.wav", "1.wav", "audio/wav", 900)
    for old, new in (
        ("/t/1.wav", "/t/2.wav"),
        ("X-Goog-Expires=900", "X-Goog-Expires=901"),
        ("filename%3D%221", "filename%3D%222"),
        ("https://storage", "https://other"),
    ):
        assert old in url
        with pytest.raises(InvalidSignature):
            verify(url.replace(old, new, 1), key.public_key())


def test_a_url_is_minted_fresh_at_each_time(credentials: service_account.Credentials):
    url = Signed(credentials).url("t/1.wav", "1.wav", "audio/wav", 900)
    date = parse_qs(urlsplit(url).query)["X-Goog-Date"][0]
    minted = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - minted).total_seconds()) < 60


def test_without_a_signature_or_beyond_googles_limit_the_link_is_our_own(
    credentials: service_account.Credentials,
):
    ours = "http://127.0.0.1:8000/files/"
    assert Signed(AnonymousCredentials()).url("k", "n", "audio/wav", 60).startswith(ours)
    assert Signed(credentials).url("k", "n", "audio/wav", 7 * 86_400 + 1).startswith(ours)
    assert not Signed(credentials).url("k", "n", "audio/wav", 7 * 86_400).startswith(ours)


class Iam:
    """IAM's signBlob, as a machine without a private key asks it; `status` is what it answers."""

    def __init__(self, key: rsa.RSAPrivateKey, status: int = 200) -> None:
        self.key, self.status, self.urls = key, status, []

    def __call__(self, url: str, method: str, body: bytes, headers: dict[str, str]) -> Any:
        self.urls.append(url)
        payload = base64.b64decode(json.loads(body)["payload"])
        signature = self.key.sign(payload, padding.PKCS1v15(), hashes.SHA256())
        answer = json.dumps({"signedBlob": base64.b64encode(signature).decode()})
        return type("Answer", (), {"status": self.status, "data": answer.encode()})()


class Machine(google_credentials.Credentials):
    """A virtual machine's credentials: a token and a name, no key; the name is known after a refresh."""

    service_account_email = "default"

    def refresh(self, request: Any) -> None:
        self.token, self.service_account_email = "token", EMAIL


def test_a_machine_without_a_key_signs_by_iam(key: rsa.RSAPrivateKey):
    iam = Iam(key)
    storage = Signed(Machine(), iam)
    values = verify(storage.url("t/1.wav", "1.wav", "audio/wav", 900), key.public_key())
    assert values["X-Goog-Credential"].startswith(f"{EMAIL}/")
    assert len(iam.urls) == 1 and iam.urls[0].endswith(f"/serviceAccounts/{EMAIL}:signBlob")


def test_where_iam_refuses_links_are_our_own_and_it_is_asked_again_later(key: rsa.RSAPrivateKey):
    iam, clock = Iam(key, status=403), [1000.0]
    blob = Client(project=None, credentials=AnonymousCredentials()).bucket("b").blob("k")
    made = Signer.of(Machine(), iam)
    assert made is not None
    signer = Signer(made._credentials, "iam", clock=lambda: clock[0])
    assert signer.url(blob, 60, "inline", "audio/wav") is None
    assert signer.url(blob, 60, "inline", "audio/wav") is None and len(iam.urls) == 1
    iam.status, clock[0] = 200, 1061.0
    assert signer.url(blob, 60, "inline", "audio/wav") is not None and len(iam.urls) == 2


def test_a_machine_without_a_service_account_cannot_sign():
    class Nameless(google_credentials.Credentials):
        def refresh(self, request: Any) -> None:
            raise AssertionError("not needed")

    assert Signer.of(Nameless()) is None
