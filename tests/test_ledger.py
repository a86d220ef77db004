"""The ledger of voices, and a member who takes one back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from moksori.voices import command
from speech import ledger, revoking
from speech.errors import Forbidden, Gone, StorageUnavailable
from speech.jobs import Job, NewJob
from speech.manifest import parse
from speech.schema import speech_cache, trash
from speech.settings import Settings
from speech.store import JobStore
from speech.voices import SHIPPED
from tests.aged import stored
from tests.test_sound_cache import Spoken
from tests.test_speak import VOICES

FIRST = next(iter(VOICES))


@pytest.fixture
def spoken(store: JobStore, tmp_path: Path) -> Spoken:
    return Spoken(store, tmp_path)


def revoke(spoken: Spoken, member: int = 1) -> revoking.Report:
    return revoking.revoke(spoken.store, spoken.storage, member, "a test")


def queued(spoken: Spoken, **fields: Any) -> Job:
    asked = {"input": "하나.", "voice": 1, "response_format": "wav", "formats": ["wav"]}
    return spoken.store.create(
        NewJob("speech", "speech", asked | fields.pop("request", {}), **fields)
    )[0]


def test_each_version_is_written_down_once_with_its_checksums_and_consent(store: JobStore) -> None:
    agreed = replace(FIRST, consent={"scope": "news", "given": "2026-01-01", "until": "2027-01-01"})
    newer = replace(agreed, version="newer")
    for voices in ([agreed], [agreed, newer]):
        with store.writing() as tx:
            ledger.record(tx, voices)
    with store.db.read() as connection:
        told = ledger.listed(connection)
    assert [one["version"] for one in told] == [FIRST.version, "newer"]
    assert told[0]["files"] == {role: file.sha256 for role, file in FIRST.files.items()}
    assert told[0]["consent"]["scope"] == "news" and told[0]["revoked_at"] is None


@pytest.mark.parametrize(
    ("consent", "wrong"),
    [
        ({"scope": "x", "mood": 1}, "consent has"),
        ({"given": "tomorrow"}, "tomorrow"),
        ([], "consent has"),
    ],
)
def test_a_consent_that_cannot_be_read_is_a_broken_manifest(consent: Any, wrong: str) -> None:
    manifest = json.loads((SHIPPED / "manifest.json").read_text("utf-8"))
    manifest["voices"][0]["consent"] = consent
    with pytest.raises(ValueError, match=wrong):
        parse(json.dumps(manifest).encode(), str(SHIPPED / "manifest.json"))


def test_what_was_said_goes_and_the_jobs_say_why(spoken: Spoken) -> None:
    mine, other = spoken.say("하나."), spoken.say("하나.", voice=2)
    report = revoke(spoken)
    assert (report.emptied, report.cached, report.failed, report.running) == (1, 1, [], [])
    after = spoken.store.get(mine.id, "default")
    assert (after.state, after.artifacts, after.files_expired) == ("succeeded", (), True)
    assert after.warnings[-1] == {"code": "voice_was_revoked", "member": 1}
    assert spoken.store.file_is_gone(mine.artifacts[0].key)
    assert len(spoken.store.get(other.id, "default").artifacts) == 2
    keys = stored(spoken.storage.root)
    assert not [key for key in keys if mine.id in key] and [key for key in keys if other.id in key]
    with spoken.store.db.read() as connection:
        assert [row.member for row in connection.execute(speech_cache.select())] == [2]
        assert connection.execute(trash.select()).all() == []


def test_so_do_the_names_that_were_promised(spoken: Spoken) -> None:
    key = "wav_files/1/a_voice.wav"
    job = queued(spoken, outputs=(key,), promised=("speech.wav",))
    assert spoken.runner.run_next("speech")
    assert spoken.store.get(job.id, "default").state == "succeeded" and spoken.storage.stat(key)
    assert revoke(spoken).emptied == 1
    assert spoken.storage.stat(key) is None


def test_queued_jobs_are_cancelled_in_every_tenant(spoken: Spoken) -> None:
    jobs = [queued(spoken, tenant=tenant) for tenant in ("default", "acme")]
    other = queued(spoken, request={"voice": 2})
    assert revoke(spoken).cancelled == 2
    assert [spoken.store.get(job.id, job.tenant).state for job in jobs] == ["cancelled"] * 2
    assert spoken.store.get(other.id, "default").state == "queued"


def test_a_running_job_is_told_to_stop_and_named(spoken: Spoken) -> None:
    job = queued(spoken)
    running = spoken.store.claim("speech", "host/boot/child")
    assert running is not None and revoke(spoken).running == [job.id]
    assert spoken.store.renew(running)  # to be cancelled
    spoken.store.cancelled(running)
    assert revoke(spoken).running == []


def test_a_job_that_slipped_through_fails_at_the_worker(spoken: Spoken) -> None:
    revoke(spoken)
    job = queued(spoken)
    assert spoken.runner.run_next("speech")
    after = spoken.store.get(job.id, "default")
    assert (after.state, after.error and after.error["code"]) == ("failed", "voice_revoked")


def test_what_cannot_be_removed_is_told_and_stays_on_the_list(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = spoken.say("하나.")

    def refuse(prefix: str) -> int:
        raise StorageUnavailable("storage_unavailable")

    with monkeypatch.context() as outage:
        outage.setattr(spoken.storage, "delete_prefix", refuse)
        failed = revoke(spoken).failed
        assert f"t/default/jobs/{job.id}/" in failed and len(failed) == 2
        assert set(revoke(spoken).failed) == set(failed)  # until it is gone
    with spoken.store.db.read() as connection:
        assert {row.key for row in connection.execute(trash.select())} == set(failed)
    assert revoke(spoken).failed == []
    assert not [
        key for key in stored(spoken.storage.root) if job.id in key or "speech_cache" in key
    ]


def test_a_check_of_the_voice_goes_too(store: JobStore, tmp_path: Path) -> None:
    spoken = Spoken(store, tmp_path, self_check=True)
    job = spoken.say("하나.")
    assert revoke(spoken).cancelled == 1
    (check,) = store.children(job.id)
    assert (check.kind, check.state) == ("check", "cancelled")


def test_to_say_it_twice_changes_nothing_more(spoken: Spoken) -> None:
    spoken.say("하나.")
    revoke(spoken)
    assert revoke(spoken).shown() == {
        "jobs_cancelled": 0, "jobs_running": [], "jobs_emptied": 0, "cached_removed": 0,
        "places_removed": 0, "failed": [],
    }  # fmt: skip


def test_a_revocation_can_be_undone(store: JobStore) -> None:
    with store.writing() as tx:
        ledger.revoke(tx, 1, "a test")
    with store.db.read() as connection, pytest.raises(Forbidden):
        ledger.refuse_revoked(connection, FIRST)
    with store.writing() as tx:
        assert ledger.allow_again(tx, 1) and not ledger.allow_again(tx, 1)
    with store.db.read() as connection:
        ledger.refuse_revoked(connection, FIRST)


def test_a_retry_of_a_job_with_a_revoked_voice_fails(spoken: Spoken) -> None:
    job = spoken.say("하나.")
    revoke(spoken)
    again = spoken.store.retry(job.id, "default")
    spoken.runner.run_next("speech")
    assert spoken.store.get(again.id, "default").error["code"] == "voice_revoked"
    spoken.store.erase(job.id, "default")
    with pytest.raises(Gone):
        spoken.store.get(job.id, "default")


def test_the_commands(
    tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "moksori.db").write_bytes(sqlite_template.read_bytes())
    monkeypatch.setenv("MOKSORI_DATA_DIR", str(tmp_path))
    assert Settings.from_env().data == tmp_path
    run = CliRunner().invoke
    told = json.loads(run(command, ["revoke", "가온"]).output)
    assert (told["member"], told["failed"]) == (1, [])
    assert run(command, ["ledger"]).output.strip() == "[]"
    assert "may use it again" in run(command, ["revoke", "1", "--undo"]).output
    assert run(command, ["revoke", "nobody"]).exit_code != 0
