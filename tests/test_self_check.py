"""Speech that is heard again: how far what was heard is from what was to be said."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.differences import compare
from speech.errors import InvalidRequest
from speech.jobs import Job
from speech.store import JobStore
from speech.transcript import Segment, Word
from tests.hearing_fixtures import ToneEngine
from tests.test_sound_cache import Spoken
from worker.engines import Detected, Span, TranscribeOptions


@pytest.mark.parametrize(
    ("said", "heard", "rate", "longest", "run"),
    [
        ("안녕하세요.", "안녕 하세요", 0.0, 0, ("", "")),
        ("가나다라", "가나다마", 1 / 8, 1, ("ᄅ", "ᄆ")),
        ("가나다라", "가나", 0.5, 4, ("다라", "")),
        ("가", "가나다", 2.0, 4, ("", "나다")),
        ("가나다라", "", 1.0, 8, ("가나다라", "")),
        ("가나다라마", "가노다리마", 0.2, 1, ("ᅡ", "ᅩ")),
    ],
)
def test_letters_are_compared(
    said: str, heard: str, rate: float, longest: int, run: tuple[str, str]
) -> None:
    found = compare(said, heard)
    assert found.error_rate == pytest.approx(rate, abs=1e-4)
    assert (found.longest, (found.said, found.heard)) == (longest, run)


def test_a_text_without_a_sound_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="nothing"):
        compare("...", "가")


def test_long_readings_are_compared_in_good_time() -> None:
    said = "가나다라마바사" * 3_000
    assert compare(said, said[:-7]).longest == 14


class Hears(ToneEngine):
    """Hears the same in whatever is played to it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def transcribe(
        self, samples: np.ndarray, options: TranscribeOptions, speech: Sequence[Span]
    ) -> tuple[Detected, Iterator[Segment]]:
        word = Word(f" {self.text}", 0.0, 0.2, 0.9)
        return Detected("ko", 1.0), iter([Segment(0, 0.0, 0.2, f" {self.text}", words=(word,))])


def listening(store: JobStore, folder: Path, text: str, **given: Any) -> Spoken:
    spoken = Spoken(store, folder, **{"self_check": True} | given)
    spoken.runner.models["transcription"] = Hears(text)
    return spoken


def checks(store: JobStore, job: Job) -> list[Job]:
    return [child for child in store.children(job.id) if child.kind == "check"]


def test_a_check_tells_the_speech_job_how_well_it_was_understood(
    store: JobStore, tmp_path: Path
) -> None:
    spoken = listening(store, tmp_path, "닭고기 13마리")
    job = spoken.say("닭고기 13개")
    assert (job.state, job.warnings) == ("succeeded", [])  # the caller does not wait for it
    (check,) = checks(store, job)
    assert (check.lane, check.priority, check.api_key) == ("transcription", "batch", None)
    assert store.page("default")[0][0].id == job.id and len(store.page("default")[0]) == 1
    assert spoken.runner.run_next("transcription")
    (check,), after = checks(store, job), store.get(job.id, "default")
    assert check.state == "succeeded" and after.state == "succeeded"
    (warning,) = after.warnings
    assert warning["code"] == "self_check"
    assert 0.1 < warning["error_rate"] < 0.5 and warning["longest"] == 4
    assert warning["percent"] == pytest.approx(100 * warning["error_rate"], abs=0.06)
    assert after.children == {"total": 1, "succeeded": 1, "failed": 0}


def test_what_is_heard_as_it_was_meant_has_no_errors_however_it_is_spelled(
    store: JobStore, tmp_path: Path
) -> None:
    spoken = listening(store, tmp_path, "닭고기 열세 개")
    job = spoken.say("닭고기 13개")
    spoken.runner.run_next("transcription")
    (warning,) = store.get(job.id, "default").warnings
    assert (warning["error_rate"], warning["longest"]) == (0.0, 0)


def test_by_default_nothing_is_heard_again(store: JobStore, tmp_path: Path) -> None:
    spoken = listening(store, tmp_path, "하나", self_check=False)
    assert checks(store, spoken.say("하나.")) == []


@pytest.mark.parametrize("asked", [{"formats": ["pcm"], "response_format": "pcm"}])
def test_what_cannot_be_heard_is_not_checked(
    store: JobStore, tmp_path: Path, asked: dict[str, Any]
) -> None:
    assert checks(store, listening(store, tmp_path, "하나").say("하나.", **asked)) == []


def test_a_copy_of_sound_that_was_checked_is_not_checked_again(
    store: JobStore, tmp_path: Path
) -> None:
    spoken = listening(store, tmp_path, "하나")
    assert [len(checks(store, spoken.say("하나."))) for _ in range(2)] == [1, 0]


def test_a_long_text_is_checked_as_a_whole(store: JobStore, tmp_path: Path) -> None:
    spoken = listening(store, tmp_path, "오늘은 좋은 날입니다", part_characters=30)
    job = spoken.say("오늘은 좋은 날입니다. 내일은 더 좋은 날입니다. 모레도 그렇습니다.")
    while spoken.runner.run_next("speech"):
        pass
    assert [child.kind for child in store.children(job.id)].count("check") == 1
    while spoken.runner.run_next("transcription"):
        pass
    (warning,) = store.get(job.id, "default").warnings
    assert 0.5 < warning["error_rate"] < 0.8


def test_a_check_that_fails_costs_the_speech_nothing(store: JobStore, tmp_path: Path) -> None:
    spoken = listening(store, tmp_path, "하나")
    job = spoken.say("하나.")
    spoken.storage.delete(job.artifacts[0].key)
    spoken.runner.run_next("transcription")
    (check,), after = checks(store, job), store.get(job.id, "default")
    assert (check.state, after.state, after.warnings) == ("failed", "succeeded", [])
    with pytest.raises(InvalidRequest):
        store.retry(check.id, "default")


def test_an_erased_job_takes_its_check_along(store: JobStore, tmp_path: Path) -> None:
    spoken = listening(store, tmp_path, "하나")
    job = spoken.say("하나.")
    store.erase(job.id, "default")
    assert not spoken.runner.run_next("transcription")
