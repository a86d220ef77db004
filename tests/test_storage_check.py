"""`moksori storage check`: what it finds right and wrong, and what it says to change."""

import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import crypt
from google.cloud.storage import Client
from google.oauth2 import service_account

from speech import storage_check, whole_files
from speech.gcs_check import cors_rules, origins, shut_out
from speech.settings import Settings
from speech.storage_check import check, format_findings
from tests.gcs_fixtures import BUCKET, fault_store, gcs_url  # noqa: F401

ORIGIN = "https://voice.example"


def said(settings: Settings, ok: bool) -> list[str]:
    return [finding.what for finding in check(settings) if finding.ok is ok]


def test_a_good_folder_has_nothing_to_change_and_keeps_nothing(tmp_path: Path):
    settings = Settings(data_dir=str(tmp_path))
    assert said(settings, False) == []
    assert len(said(settings, True)) == 11
    assert not [p for p in (tmp_path / "artifacts").rglob("*") if p.is_file()]


def test_a_full_disk_and_a_file_system_without_links_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 5, 5))

    def refused(*args: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(storage_check.os, "link", refused)
    assert whole_files.os.link is refused
    wrong = said(Settings(data_dir=str(tmp_path), secret="x"), False)
    assert len(wrong) == 2 and "GB free" in wrong[0] and "no hard links" in wrong[1]


def test_what_cannot_be_opened_is_one_finding_with_a_way_out(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    for url in (f"file://{tmp_path}/file/folder", "s3://bucket"):
        findings = check(Settings(data_dir=str(tmp_path), storage_url=url))
        assert len(findings) == 1 and not findings[0].ok and findings[0].fix


@pytest.mark.gcs
def test_a_bucket_that_keeps_googles_promises_passes(gcs_url: str, tmp_path: Path):  # noqa: F811
    with fault_store(gcs_url) as store:
        settings = Settings(
            data_dir=str(tmp_path),
            storage_url=f"gs://{BUCKET}/check",
            storage_endpoint=store.url,
        )
        assert said(settings, False) == []
        assert "create-only copies" in said(settings, True)
        assert any("cannot sign" in what for what in said(settings, True))


@pytest.mark.gcs
def test_a_bucket_that_overwrites_is_found_out(gcs_url: str, tmp_path: Path):  # noqa: F811
    settings = Settings(
        data_dir=str(tmp_path), storage_url=f"gs://{BUCKET}/check", storage_endpoint=gcs_url
    )
    wrong = said(settings, False)  # fake-gcs-server itself forgets the condition of a rewrite
    assert len(wrong) == 1 and wrong[0].startswith("create-only copies: ")


@pytest.mark.gcs
def test_a_bucket_that_is_missing_is_told_with_its_name(gcs_url: str, tmp_path: Path):  # noqa: F811
    settings = Settings(
        data_dir=str(tmp_path),
        storage_url="gs://not-there",
        storage_endpoint=gcs_url,
        storage_deadline=2.0,
    )
    findings = check(settings)
    assert len(findings) == 1 and "gs://not-there" in findings[0].what


class Keyed(service_account.Credentials):
    """A private key that signs, and requests that go without it: the fake knows no tokens."""

    def before_request(self, *args: object, **kwargs: object) -> None:
        pass


@pytest.mark.gcs
def test_signed_links_are_fetched_and_missing_cors_rules_are_printed(
    gcs_url: str,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    credentials = Keyed(crypt.RSASigner(key), "voice@example.com", "http://127.0.0.1:9/token")
    client = Client(project=None, credentials=credentials, client_options={"api_endpoint": gcs_url})
    monkeypatch.setattr("speech.gcs.make_client", lambda endpoint: client)
    settings = Settings(
        data_dir=str(tmp_path), storage_url=f"gs://{BUCKET}/check", public_url=ORIGIN
    )
    signed, cors = check(settings)[-2:]
    assert signed.ok and "with the private key" in signed.what and "206" in signed.what
    assert not cors.ok and ORIGIN in cors.what
    assert f"gcloud storage buckets update gs://{BUCKET} --cors-file=cors.json" in cors.fix
    assert json.loads(cors.fix[cors.fix.index("[") : cors.fix.rindex("]") + 1]) == cors_rules(
        settings
    )
    client.close()


def test_the_page_and_each_configured_origin_need_a_rule():
    settings = Settings(public_url=f"{ORIGIN}/voice", cors_origins="https://a.example, ")
    assert origins(settings) == [ORIGIN, "https://a.example"]
    assert shut_out([], settings) == origins(settings)
    assert shut_out(cors_rules(settings), settings) == []


@pytest.mark.parametrize(
    "change, good",
    [
        ({}, True),
        ({"origin": ["*"]}, True),
        ({"method": ["*"], "responseHeader": ["*"]}, True),
        ({"responseHeader": ["range", "CONTENT-RANGE"]}, True),
        ({"origin": [ORIGIN + "/"]}, False),
        ({"origin": ["http://voice.example"]}, False),
        ({"method": ["PUT"]}, False),
        ({"responseHeader": ["Content-Type"]}, False),
    ],
)
def test_a_rule_counts_when_it_lets_that_origin_get_with_a_range(change: dict, good: bool):
    settings = Settings(public_url=ORIGIN)
    rule = {**cors_rules(settings)[0], **change}
    assert shut_out([rule], settings) == ([] if good else [ORIGIN])


def test_findings_are_printed_with_what_to_do_beneath_what_is_wrong():
    text = format_findings(
        [
            storage_check.Finding(True, "write", "unused"),
            storage_check.Finding(False, "CORS", "Save this:\n" + json.dumps([1])),
        ]
    )
    assert text.splitlines() == ["ok    write", "FAIL  CORS", "      Save this:", "      [1]"]
