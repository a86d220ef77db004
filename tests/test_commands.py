"""The command line: what each subcommand prints, and what it ends with."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moksori.__main__ import COMMANDS, main
from speech import locks
from speech.jobs import NewJob
from speech.queue import Silent
from speech.settings import Settings
from speech.store import JobStore
from tests.aged import age


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"MOKSORI_DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def store(env: dict[str, str]) -> Iterator[JobStore]:
    assert run(env, "migrate").exit_code == 0
    made = JobStore.from_settings(Settings.from_env(env), Silent())
    yield made
    made.db.close()


def run(env: dict[str, str], *words: str) -> Result:
    return CliRunner(env=env).invoke(main, list(words))


def test_help_lists_every_command_and_each_explains_itself() -> None:
    told = run({}, "--help").output
    for name in COMMANDS:
        assert name in told
        assert run({}, name, "--help").exit_code == 0


def test_a_word_that_is_no_command_is_refused() -> None:
    assert run({}, "sing").exit_code == 2


def test_jobs_on_a_store_that_was_never_migrated_says_what_to_run(env: dict[str, str]) -> None:
    ran = run(env, "jobs")
    assert ran.exit_code != 0
    assert "moksori migrate" in ran.output


def test_jobs_are_listed_cancelled_and_retried(env: dict[str, str], store: JobStore) -> None:
    assert "No jobs." in run(env, "jobs").output
    job, _ = store.create(NewJob("speech", "speech", {"input": "안녕"}))
    assert job.id in run(env, "jobs").output
    assert "cancelled" in run(env, "jobs", "--cancel", job.id).output
    again = run(env, "jobs", "--retry", job.id, "--state", "queued").output
    assert "New job:" in again
    assert job.id not in again.splitlines()[-1]


def test_another_tenants_jobs_are_listed_by_its_name(env: dict[str, str], store: JobStore) -> None:
    job, _ = store.create(NewJob("speech", "speech", {"input": "안녕"}, tenant="acme"))
    assert "No jobs." in run(env, "jobs").output
    assert job.id in run(env, "jobs", "--tenant", "acme").output


def test_an_unknown_job_is_named_in_the_error(env: dict[str, str], store: JobStore) -> None:
    ran = run(env, "jobs", "--cancel", "nobody")
    assert ran.exit_code == 1
    assert "There is no job nobody" in ran.output


def test_storage_check_of_a_fresh_folder_finds_nothing_wrong(env: dict[str, str]) -> None:
    ran = run(env, "storage", "check")
    assert ran.exit_code == 0, ran.output


def test_a_malformed_setting_is_named_before_anything_starts(env: dict[str, str]) -> None:
    ran = run({**env, "MOKSORI_PORT": "many", "MOKSORI_LEASE_SECONDS": "x"}, "serve")
    assert ran.exit_code == 1
    assert "MOKSORI_PORT='many'" in ran.output
    assert "MOKSORI_LEASE_SECONDS='x'" in ran.output


def test_purge_says_what_would_go_and_then_what_went(env: dict[str, str], store: JobStore) -> None:
    job, _ = store.create(NewJob("speech", "speech", {"input": "안녕"}))
    store.cancel(job.id, "default")
    age(store, 91)
    assert "1  jobs\n" in run(env, "purge", "--dry-run").output
    assert job.id in run(env, "jobs").output
    assert "1  jobs\n" in run(env, "purge").output
    assert "No jobs." in run(env, "jobs").output
    assert run(env, "jobs", "--cancel", job.id).output.startswith(
        f"Error: The job {job.id} is gone"
    )


def test_purge_says_when_another_one_purges(env: dict[str, str], store: JobStore) -> None:
    with store.writing() as tx:
        locks.hold(tx, "purge", "another", 60)
    ran = run(env, "purge")
    assert ran.exit_code == 1
    assert "Another process purges" in ran.output


def test_a_backup_is_restored_into_an_empty_store_only(
    env: dict[str, str], store: JobStore, tmp_path: Path
) -> None:
    job, _ = store.create(NewJob("speech", "speech", {"input": "안녕"}))
    file = str(tmp_path / "store.zip")
    assert "1  jobs" in run(env, "backup", file).output
    other = {"MOKSORI_DATA_DIR": str(tmp_path / "other")}
    assert "moksori migrate" in run(other, "restore", file).output
    assert run(other, "migrate").exit_code == 0
    assert "1  jobs" in run(other, "restore", file).output
    assert job.id in run(other, "jobs").output
    refused = run(other, "restore", file)
    assert refused.exit_code == 1
    assert "not empty: jobs has rows" in refused.output
    assert run(other, "restore", str(tmp_path / "nothing")).exit_code == 2


@pytest.mark.models
def test_doctor_finds_machine_packages_models_and_voices(
    env: dict[str, str], store: JobStore
) -> None:
    assert run(env, "prepare").exit_code == 0
    ran = run(env, "doctor")
    assert ran.exit_code == 0, ran.output
    for found in ("cores", "faster-whisper", "whisper-base", "member 5", "job store", "int8"):
        assert found in ran.output


@pytest.mark.models
def test_doctor_says_how_to_get_what_is_missing(env: dict[str, str]) -> None:
    ran = run(env, "doctor")
    assert ran.exit_code == 1
    assert "-> moksori prepare" in ran.output
    assert "moksori migrate" in ran.output


def test_the_installed_program_answers(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("moksori")
    ran = subprocess.run(
        [program, "--version"], capture_output=True, text=True, timeout=60, env={**os.environ}
    )
    assert ran.returncode == 0
    assert "moksori" in ran.stdout
