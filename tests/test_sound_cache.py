"""Sound that was made before: found by what would be heard, copied, and taken away again."""

import json
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.speech_cache import attempts
from speech.errors import StorageUnavailable
from speech.jobs import Job, NewJob
from speech.purge import OWNER, Purge
from speech.retention import DAY
from speech.schema import speech_cache
from speech.store import JobStore
from tests.aged import age_files, stored
from tests.stub_runners import HOLDER, Bench
from tests.test_speak import READER, VOICES, Hum
from voice_model.engines import Engine
from worker.run import Runner
from worker.speaker import Speaker


class Counted(Hum):
    """Counts what it had to speak."""

    def __init__(self) -> None:
        self.spoken = 0

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        self.spoken += 1
        return super().vocode(mel)


class Spoken(Bench):
    """A runner whose voices hum."""

    def __init__(self, store: JobStore, folder: Path, **given: Any) -> None:
        super().__init__(store, folder, **given)
        self.voice = Counted()
        speaker = Speaker(VOICES, Engine("hum", {"korean": self.voice}), READER)
        models = {"speech": speaker}
        self.runner = Runner(store, self.storage, self.settings, models, HOLDER)

    def say(self, text: str, kind: Any = "speech", tenant: str = "default", **fields: Any) -> Job:
        """The finished job of a text."""
        asked = {"input": text, "voice": 1, "response_format": "wav", "formats": ["wav", "json"]}
        asked |= {"formats": []} if kind == "preview" else {}
        new = NewJob(kind, "speech", asked | fields, tenant)
        job, _ = self.store.create(new)
        assert self.runner.run_next("speech")
        return self.store.get(job.id, tenant)

    def bytes_of(self, job: Job, name: str = "speech.wav") -> bytes:
        (one,) = [one for one in job.artifacts if one.name == name]
        return b"".join(self.storage.open(one.key))


@pytest.fixture
def spoken(store: JobStore, tmp_path: Path) -> Spoken:
    return Spoken(store, tmp_path)


def cached(job: Job) -> bool:
    assert job.state == "succeeded", job.error
    return bool((job.result or {})["cached"])


def test_the_same_request_is_answered_by_a_copy_of_its_own(spoken: Spoken) -> None:
    first, second = spoken.say("닭고기 3개."), spoken.say("닭고기 3개.")
    assert (cached(first), cached(second), spoken.voice.spoken) == (False, True, 1)
    assert spoken.bytes_of(first) == spoken.bytes_of(second)
    assert first.artifacts[0].key != second.artifacts[0].key
    assert first.artifacts[0].sha256 == second.artifacts[0].sha256
    same = ("duration", "voice_version", "sentences", "changes", "unknown")
    assert {name: first.result[name] for name in same} == {
        name: second.result[name] for name in same
    }
    assert first.usage["audio_seconds"] == second.usage["audio_seconds"]
    assert spoken.bytes_of(first, "speech.json") == spoken.bytes_of(second, "speech.json")


def test_a_text_that_reads_the_same_has_captions_of_its_own(spoken: Spoken) -> None:
    first, second = spoken.say("닭고기 3개"), spoken.say("닭고기 세개")
    assert cached(second) and spoken.bytes_of(first) == spoken.bytes_of(second)
    words = [json.loads(spoken.bytes_of(job, "speech.json"))["words"] for job in (first, second)]
    assert [[word["word"] for word in some] for some in words] == [
        [" 닭고기", " 3개"], [" 닭고기", " 세개"],
    ]  # fmt: skip
    assert words[0][0]["end"] == words[1][0]["end"] and words[0][1]["end"] == words[1][1]["end"]


@pytest.mark.parametrize(
    "other",
    [
        {"speed": 1.5}, {"voice": 2}, {"seed": 7}, {"sample_rate": 8_000},
        {"formats": ["flac", "json"], "response_format": "flac"}, {"input": "닭고기 네 개."},
        {"input": "닭고기 3개?"}, {"stream_format": "audio"},
    ],
)  # fmt: skip
def test_what_sounds_otherwise_is_made(spoken: Spoken, other: dict[str, Any]) -> None:
    spoken.say("닭고기 3개.")
    fields = dict(other)  # pytest hands the same one to the next database
    text = fields.pop("input", "닭고기 3개.")
    assert not cached(spoken.say(text, **fields))
    assert cached(spoken.say(text, **fields))


def test_captions_alone_may_differ(spoken: Spoken) -> None:
    spoken.say("닭고기 3개.")
    job = spoken.say("닭고기 3개.", formats=["wav", "srt", "vtt"])
    assert cached(job)
    assert [one.name for one in job.artifacts] == ["speech.wav", "speech.srt", "speech.vtt"]
    assert "닭고기 3개.".encode() in spoken.bytes_of(job, "speech.srt")


def test_tenants_do_not_share(spoken: Spoken) -> None:
    spoken.say("닭고기 3개.", tenant="acme")
    assert not cached(spoken.say("닭고기 3개."))


def test_no_cache_makes_it_anew_and_keeps_that(spoken: Spoken) -> None:
    spoken.say("닭고기 3개.")
    assert not cached(spoken.say("닭고기 3개.", no_cache=True))
    assert cached(spoken.say("닭고기 3개.")) and spoken.voice.spoken == 2
    assert len(entries(spoken)) == 1


def test_a_preview_says_whether_the_sound_is_there(spoken: Spoken) -> None:
    assert not cached(spoken.say("닭고기 3개.", "preview"))
    spoken.say("닭고기 3개.")
    assert cached(spoken.say("닭고기 3개.", "preview"))
    assert not cached(spoken.say("닭고기 3개.", "preview", response_format="mp3"))


def test_with_no_room_nothing_is_kept(store: JobStore, tmp_path: Path) -> None:
    spoken = Spoken(store, tmp_path, speech_cache_bytes=0)
    spoken.say("닭고기 3개.")
    assert not cached(spoken.say("닭고기 3개.")) and entries(spoken) == []


def test_the_parts_of_a_long_text_are_kept_too(store: JobStore, tmp_path: Path) -> None:
    spoken = Spoken(store, tmp_path, part_characters=30)
    text = "오늘은 좋은 날입니다. 내일은 더 좋은 날입니다. 모레도 그렇습니다."
    jobs = []
    for _ in range(2):
        job = spoken.say(text)
        while spoken.runner.run_next("speech"):
            pass
        jobs.append(store.get(job.id, "default"))
    made = spoken.voice.spoken
    assert [cached(part) for part in store.children(jobs[1].id)] == [True] * jobs[1].children[
        "total"
    ]
    assert made == 3 and spoken.bytes_of(jobs[0]) == spoken.bytes_of(jobs[1])


def test_a_lost_object_only_means_that_it_is_made_again(spoken: Spoken) -> None:
    spoken.say("닭고기 3개.")
    (entry,) = entries(spoken)
    spoken.storage.delete(f"{entry.prefix}speech.wav")
    assert not cached(spoken.say("닭고기 3개."))
    assert cached(spoken.say("닭고기 3개."))


def test_half_a_copy_is_not_left_in_the_way(spoken: Spoken) -> None:
    asked = {"formats": ["wav", "flac"]}
    spoken.say("닭고기 3개.", **asked)
    (entry,) = entries(spoken)
    spoken.storage.copy(f"{entry.prefix}speech.flac", "t/other", "audio/flac", "x", False)
    spoken.storage.copy("t/other", f"{entry.prefix}speech.wav", "audio/wav", "x", True)
    spoken.storage.delete(f"{entry.prefix}speech.flac")
    job = spoken.say("닭고기 3개.", **asked)
    assert not cached(job)
    assert spoken.bytes_of(job).startswith(b"RIFF")


def test_a_storage_that_keeps_nothing_costs_no_job(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = spoken.storage.copy

    def copy(source: str, target: str, *rest: Any) -> Any:
        if "speech_cache" in target:
            raise StorageUnavailable("storage_unavailable")
        return really(source, target, *rest)

    monkeypatch.setattr(spoken.storage, "copy", copy)
    assert not cached(spoken.say("닭고기 3개."))
    assert entries(spoken) == []


def test_the_sound_of_an_erased_job_is_no_longer_kept(spoken: Spoken) -> None:
    job = spoken.say("닭고기 3개.")
    spoken.store.erase(job.id, "default")
    assert entries(spoken) == []
    assert not cached(spoken.say("닭고기 3개."))


def entries(spoken: Spoken) -> list[Any]:
    with spoken.store.db.read() as connection:
        return list(connection.execute(speech_cache.select().order_by(speech_cache.c.used)))


def kept(spoken: Spoken) -> set[str]:
    """The folders of entries that have objects in storage."""
    keys = [key for key in stored(spoken.storage.root) if "/speech_cache/" in key]
    return {key.rpartition("/")[0] + "/" for key in keys}


def purge(spoken: Spoken, **given: Any) -> dict[str, int]:
    settings = replace(spoken.settings, **given)
    return dict(Purge(spoken.store, spoken.storage, settings, "test").run())


def unused(spoken: Spoken, days: float) -> None:
    with spoken.store.writing() as tx:
        used = {"used": speech_cache.c.used - days * DAY}
        tx.connection.execute(speech_cache.update().values(used))


def test_what_nobody_asks_for_goes_after_its_time(spoken: Spoken) -> None:
    spoken.say("하나.")
    unused(spoken, 31)
    spoken.say("둘.")
    assert purge(spoken, keep_speech_days=30)["speech"] == 1
    assert len(entries(spoken)) == 1 and kept(spoken) == {entries(spoken)[0].prefix}


def test_use_makes_it_live_longer(spoken: Spoken) -> None:
    spoken.say("하나.")
    unused(spoken, 31)
    assert cached(spoken.say("하나."))
    assert "speech" not in purge(spoken, keep_speech_days=30)


def test_over_the_bytes_what_was_used_longest_ago_goes_first(spoken: Spoken) -> None:
    for text in ("하나.", "둘.", "셋."):
        unused(spoken, 1)
        spoken.say(text)
    sizes = [entry.bytes for entry in entries(spoken)]
    assert purge(spoken, speech_cache_bytes=sum(sizes[1:]))["speech"] == 1
    assert not cached(spoken.say("하나."))
    assert cached(spoken.say("셋."))


def test_a_folder_that_no_entry_knows_is_a_stray_and_an_entrys_is_none(spoken: Spoken) -> None:
    spoken.say("하나.")
    spoken.storage.put("t/default/speech_cache/lost/speech.wav", b"x", "audio/wav", "x")
    age_files(spoken.storage.root, 2)
    assert purge(spoken)["strays"] == 1
    assert kept(spoken) == {entries(spoken)[0].prefix}
    assert OWNER in stored(spoken.storage.root)


def test_the_wav_of_a_hit_is_whole(spoken: Spoken, tmp_path: Path) -> None:
    spoken.say("하나. 둘.")
    job = spoken.say("하나. 둘.")
    (tmp_path / "a.wav").write_bytes(spoken.bytes_of(job))
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(
            job.result["duration"], abs=0.001
        )


@pytest.mark.models
def test_ten_sentences_are_fifty_times_faster_the_second_time(tmp_path: Path) -> None:
    first, again = attempts(tmp_path, repeats=12)
    assert first / min(again[:-1]) > 50
    # Reads the same, its words are read for the first time; once only, so a disk that is slow just now counts whole.
    assert first / again[-1] > 5
