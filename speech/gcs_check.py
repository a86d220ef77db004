"""What `moksori storage check` asks of a Google Cloud Storage bucket besides its rights: signing and CORS."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests

from speech.errors import SpeechError
from speech.gcs import GoogleStorage
from speech.gcs_client import outage
from speech.settings import Settings
from speech.storage_check import TEXT, Finding, reason

NEEDED = ("Content-Range", "Content-Length", "ETag", "Accept-Ranges")  # headers a page must see


def bucket_findings(storage: GoogleStorage, settings: Settings) -> Iterator[Finding]:
    """Whether links can be signed and fetched, and whether pages may read them."""
    signer = storage.signer()
    if signer is None:
        yield Finding(
            True,
            "links are our own and the server passes the bytes on: these credentials cannot sign,"
            " or MOKSORI_STORAGE_SIGNING is links",
        )
        return
    yield _signed(storage, signer.kind)
    yield _cors(storage, settings)


def origins(settings: Settings) -> list[str]:
    """The origins that read links from a browser: our own page's, and those of MOKSORI_CORS_ORIGINS."""
    own = urlsplit(settings.links_url)
    given = [o.strip() for o in settings.cors_origins.split(",") if o.strip()]
    return [f"{own.scheme}://{own.netloc}", *given]


def cors_rules(settings: Settings) -> list[dict[str, Any]]:
    """The bucket's CORS configuration that this deployment needs, as Google's JSON."""
    return [
        {
            "origin": origins(settings),
            "method": ["GET", "HEAD"],
            "responseHeader": ["Content-Type", "Content-Disposition", "Range", *NEEDED],
            "maxAgeSeconds": 3600,
        }
    ]


def shut_out(rules: list[dict[str, Any]], settings: Settings) -> list[str]:
    """The origins that no rule lets GET with a Range and see the range's headers."""
    return [o for o in origins(settings) if not any(_lets(rule, o) for rule in rules)]


def _lets(rule: dict[str, Any], origin: str) -> bool:
    allowed = rule.get("origin", [])
    methods = {method.upper() for method in rule.get("method", [])}
    headers = {header.lower() for header in rule.get("responseHeader", [])}
    wanted = {"range", "content-range"}
    return (
        bool({origin, "*"} & set(allowed))
        and bool({"GET", "*"} & methods)
        and ("*" in headers or wanted <= headers)
    )


def _signed(storage: GoogleStorage, kind: str) -> Finding:
    how = "with the private key at hand" if kind == "key" else "by IAM signBlob"
    fix = (
        "Give the service account roles/iam.serviceAccountTokenCreator on itself (signing by IAM) and\n"
        "roles/storage.objectViewer on the bucket, set the machine's clock, or set\n"
        "MOKSORI_STORAGE_SIGNING=links to let the server pass the bytes on."
    )
    key = "storage-check/signed.txt"
    try:
        storage.put(key, TEXT, "text/plain", "check")
        answer = _get(storage.url(key, "목소리.txt", "text/plain", 60))
        storage.delete(key)
    except (SpeechError, requests.RequestException) as error:
        return Finding(False, f"links signed {how}: {reason(error)}", fix)
    what = f"links signed {how}; Google answers {answer.status_code} to a ranged GET"
    return Finding(answer.status_code == 206 and answer.content == TEXT[3:9], what, fix)


def _get(url: str) -> requests.Response:
    return requests.get(url, headers={"Range": "bytes=3-8"}, timeout=10, allow_redirects=False)


def _cors(storage: GoogleStorage, settings: Settings) -> Finding:
    rules = json.dumps(cors_rules(settings), indent=2)
    bucket = storage.bucket_name
    fix = (
        f"Save this as cors.json:\n{rules}\n"
        f"and run: gcloud storage buckets update gs://{bucket} --cors-file=cors.json"
    )
    try:
        with outage():
            found = storage.bucket()
            found.reload(timeout=(3.05, settings.storage_timeout), retry=None)
    except SpeechError as error:
        what = f"the bucket's CORS rules cannot be read ({reason(error)})"
        return Finding(
            False, what, "Give storage.buckets.get to see them; or check by hand.\n" + fix
        )
    missing = shut_out(list(found.cors), settings)
    what = f"CORS: no rule lets {', '.join(missing)} read links" if missing else "CORS rules"
    return Finding(not missing, what, fix)
