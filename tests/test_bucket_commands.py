"""What the command line says and does about voices and models in a bucket."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tests.tone_engine  # noqa: F401 - registers the engine `tone`
from moksori.__main__ import main
from moksori.buckets import voices_in_bucket, whisper_in_bucket
from speech.settings import Settings
from tests.gcs_fixtures import Fault
from tests.shelves import Shelf, name_of

pytestmark = [
    pytest.mark.gcs,
    # The client leaves the answer of a refused download to the garbage collector, which closes its socket.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
WEIGHTS = ("model.bin", "config.json", "tokenizer.json")


@pytest.fixture
def settings(shelf: Shelf, tmp_path: Path) -> Settings:
    return shelf.settings(tmp_path, whisper_model=shelf.url)


def run(settings: Settings, *words: str) -> Result:
    return CliRunner(env=settings.to_env()).invoke(main, list(words))


def test_voices_are_listed_with_their_version_and_where_they_are_from(
    shelf: Shelf, settings: Settings
) -> None:
    published = shelf.publish({1: "0.5"})
    told = run(settings, "voices")
    assert told.exit_code == 0, told.output
    assert f"version {published.find(1).version} from {shelf.url}" in told.output


def test_voices_are_fetched_ahead_and_then_speak_offline(shelf: Shelf, settings: Settings) -> None:
    shelf.publish({1: "0.5"})
    assert run(settings, "voices", "fetch").exit_code == 0
    shelf.store.faults = [Fault("503", times=1000)]
    assert "speaks (tone)" in run(settings, "voices").output


def test_what_cannot_be_fetched_is_named(shelf: Shelf, settings: Settings) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    shelf.put(name_of("0.25"), b"0.99")
    told = run(settings, "voices", "fetch")
    assert told.exit_code == 1
    assert "tone-2" in told.output and "tone-1" not in told.output
    shelf.put("manifest.json", b"{")
    told = run(settings, "voices", "fetch")
    assert told.exit_code == 1 and "manifest.json" in told.output


def test_prepare_fetches_weights_and_voices(shelf: Shelf, settings: Settings) -> None:
    shelf.publish({1: "0.5"})
    for name in WEIGHTS:
        shelf.put(name, b"{}")
    told = run(settings, "prepare")
    assert told.exit_code == 0, told.output
    assert voices_in_bucket(settings).ok and whisper_in_bucket(settings).ok


def test_prepare_says_what_is_wrong_with_a_manifest(shelf: Shelf, settings: Settings) -> None:
    for name in WEIGHTS:
        shelf.put(name, b"{}")
    shelf.put("manifest.json", b"{")
    told = run(settings, "prepare")
    assert told.exit_code == 1 and "manifest.json" in told.output


def test_doctor_says_when_cache_and_bucket_differ(shelf: Shelf, settings: Settings) -> None:
    shelf.publish({1: "0.5"})
    for name in WEIGHTS:
        shelf.put(name, b"{}")
    assert run(settings, "prepare").exit_code == 0
    shelf.publish({1: "0.5", 2: "0.25"})
    shelf.put("model.bin", b"newer")
    voices, whisper = voices_in_bucket(settings), whisper_in_bucket(settings)
    assert not voices.ok and "tone-2" in voices.what and voices.fix == "moksori voices fetch"
    assert not whisper.ok and whisper.fix == "moksori prepare"
    shelf.store.faults = [Fault("503", times=1000)]
    for look in (voices_in_bucket(settings), whisper_in_bucket(settings)):
        assert not look.ok and "storage.objects.get" in look.what
