"""Voices from a bucket: loaded cold and offline, fetched again when broken, replaced between two attempts."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tests.tone_engine  # noqa: F401 - registers the engine `tone`
from speech.errors import Internal, NotFound, Unavailable
from speech.korean.reader import Reader
from speech.settings import Settings
from speech.voices import load_voices
from tests.gcs_fixtures import Fault
from tests.shelves import Shelf, manifest, name_of, sha256
from voice_model import engines
from worker.new_voices import newer, wait_for_new_voice
from worker.registry import NEWER
from worker.reload import Reload
from worker.speaker import Speaker, load_speaker

pytestmark = [
    pytest.mark.gcs,
    # The client leaves the answer of a refused download to the garbage collector, which closes its socket.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
READER = Reader()
AWAY = Fault("503", times=1000)


def load(settings: Settings) -> engines.Engine:
    return engines.load(load_voices(settings), settings)


def speaker(settings: Settings) -> Speaker:
    return load_speaker(load_voices(settings), READER, settings)


def reload(settings: Settings, held: Any) -> Reload:
    return Reload(settings, {"speech": held})


def looked(made: Reload) -> Speaker:
    """The speaker after a look and the end of an attempt."""
    made.look()
    made.swap()
    return made._models["speech"]


# Loading -------------------------------------------------------------------------------------------


def test_a_cold_start_fetches_and_a_warm_one_works_without_the_bucket(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    settings = shelf.settings(tmp_path)
    assert not load(settings).broken
    shelf.store.faults = [AWAY]
    assert not load(settings).broken
    assert shelf.fetched(".tone") == 2


def test_only_what_the_engine_opens_is_fetched(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    told = manifest({1: "0.5"})
    for role in ("card", "checkpoint"):
        entry = {"path": f"{role}.bin", "sha256": sha256(role.encode())}
        told["models"]["tone-1"]["files"][role] = entry
        shelf.put(f"{role}.bin", role.encode())
    shelf.put("manifest.json", json.dumps(told).encode())
    load(shelf.settings(tmp_path))
    assert [shelf.fetched(f"{role}.bin") for role in ("card", "checkpoint")] == [1, 0]


def test_a_damaged_object_breaks_its_own_voice_after_a_second_fetch(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    shelf.put(name_of("0.25"), b"0.99")
    engine = load(shelf.settings(tmp_path))
    assert [*engine.broken] == [2] and "Upload it again" in engine.broken[2]
    assert shelf.fetched(name_of("0.25")) == 2


def test_a_model_that_does_not_load_is_fetched_again_once(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5", 2: "no number"})
    engine = load(shelf.settings(tmp_path))
    assert [*engine.broken] == [2] and "no" in engine.broken[2]
    assert shelf.fetched(name_of("no number")) == 2


def test_files_in_use_survive_a_cache_that_is_too_small(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    settings = shelf.settings(tmp_path, model_cache_bytes=1)
    engine = load(settings)
    entries = tmp_path / "models" / "cache"
    assert len([*entries.iterdir()]) == 2
    del engine
    shelf.publish({1: "0.75"})
    load(settings)
    assert len([*entries.iterdir()]) == 1


def test_voices_are_fetched_ahead_and_what_cannot_be_is_named(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    settings = shelf.settings(tmp_path)
    shelf.put(name_of("0.25"), b"0.99")
    failed = engines.fetch(load_voices(settings), settings)
    assert [*failed] == ["tone-2"]
    shelf.store.faults = [AWAY]
    assert [*load(settings).broken] == [2]


# Reloading -----------------------------------------------------------------------------------------


def test_new_members_come_removed_ones_go_and_changed_ones_change(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    settings = shelf.settings(tmp_path)
    before = speaker(settings)
    made = reload(settings, before)
    assert looked(made) is before
    shelf.publish({1: "0.75", 3: "0.1"})
    after = looked(made)
    assert [voice.member for voice in after.voices] == [1, 3]
    assert after.voices.find(1).version != before.voices.find(1).version
    assert after.reader is READER and not made.problems


def test_nothing_is_replaced_before_the_worker_says_so(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    before = speaker(settings)
    made = reload(settings, before)
    shelf.publish({2: "0.5"})
    made.look()
    assert made._models["speech"] is before
    assert made.swap() and made._models["speech"] is not before
    assert not made.swap()


def break_the_manifest(shelf: Shelf) -> None:
    shelf.put("manifest.json", b"{")


def lose_a_voice(shelf: Shelf) -> None:
    shelf.publish({1: "no number", 2: "0.1"})


def go_away(shelf: Shelf) -> None:
    shelf.store.faults = [AWAY]


@pytest.mark.parametrize(
    ("happens", "says"),
    [(break_the_manifest, "manifest.json"), (lose_a_voice, "tone-1"), (go_away, "cannot be read")],
)
def test_the_old_voices_stay_when_the_new_ones_are_no_good(
    shelf: Shelf,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    happens: Callable[[Shelf], None],
    says: str,
) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    before = speaker(settings)
    made = reload(settings, before)
    happens(shelf)
    with caplog.at_level(logging.ERROR, logger="worker.reload"):
        assert looked(made) is looked(made) is before
    assert says in made.problems["speech"]
    assert len([one for one in caplog.records if one.name == "worker.reload"]) == 1
    shelf.store.faults = []
    shelf.publish({1: "0.75"})
    assert looked(made) is not before and not made.problems


def test_a_new_member_that_does_not_load_costs_only_itself(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    made = reload(settings, speaker(settings))
    shelf.publish({1: "0.75", 2: "no number"})
    assert [*looked(made).engine.broken] == [2]


def test_a_voice_whose_file_was_missing_speaks_once_it_is_there(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish({1: "0.5", 2: "0.25"})
    shelf.put(name_of("0.25"), b"half an upload")
    settings = shelf.settings(tmp_path)
    held = speaker(settings)
    made = reload(settings, held)
    assert looked(made) is held and "tone-2" in made.problems["speech"]
    shelf.put(name_of("0.25"), b"0.25")
    assert not looked(made).engine.broken and not made.problems


def test_models_of_a_plug_in_are_left_alone(tmp_path: Path) -> None:
    for lane in NEWER:
        made = Reload(Settings(data_dir=str(tmp_path)), {lane: "a stub"})
        made.look()
        assert not made.swap() and not made.problems


# A job whose voice the server knows and this worker does not ----------------------------------------


def test_a_job_of_a_new_voice_waits_until_it_is_loaded(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    held = speaker(settings)
    wait_for_new_voice(1, held, settings)
    shelf.publish({1: "0.5", 2: "0.25"})
    with pytest.raises(Unavailable) as caught:
        wait_for_new_voice(2, held, settings)
    assert caught.value.code == "voice_not_loaded_yet" and held.behind
    after = looked(reload(settings, held))
    wait_for_new_voice(2, after, settings)
    assert not after.behind and not held.behind


def test_a_voice_that_nobody_knows_is_not_waited_for(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    held = speaker(settings)
    wait_for_new_voice(9, held, settings)
    with pytest.raises(NotFound):
        held.voices.find(9)
    assert not held.behind


def test_a_job_waits_while_the_manifest_is_broken_just_now(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    held = speaker(settings)
    break_the_manifest(shelf)
    with pytest.raises(Unavailable):
        wait_for_new_voice(2, held, settings)
    shelf.store.faults = [AWAY]
    with pytest.raises(Unavailable):
        wait_for_new_voice(2, held, settings)


def test_a_job_of_a_voice_that_came_with_broken_ones_fails(shelf: Shelf, tmp_path: Path) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    held = speaker(settings)
    lose_a_voice(shelf)
    assert looked(reload(settings, held)) is held
    with pytest.raises(Internal) as caught:
        wait_for_new_voice(2, held, settings)
    assert caught.value.code == "voice_broken"


def test_a_folder_of_voices_is_followed_too(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    for tone in ("0.5", "0.25"):
        (tmp_path / name_of(tone)).write_text(tone)
    path.write_text(json.dumps(manifest({1: "0.5"})))
    settings = Settings(voices=str(tmp_path), data_dir=str(tmp_path), speech_engine="tone")
    held = speaker(settings)
    assert newer(settings, held) is None
    path.write_text(json.dumps(manifest({1: "0.25"})))
    assert looked(reload(settings, held)).voices.stamp != held.voices.stamp
