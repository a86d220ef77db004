"""The speech handler, with an engine that hums: quick, through the same door."""

import io
import json
import re
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from speech.encode import encode, read_wav
from speech.errors import Cancelled, Internal, InvalidRequest, NotFound
from speech.jobs import Artifact, Job
from speech.korean.reader import Reader
from speech.settings import Settings
from speech.subtitles import from_json
from speech.voices import Voices, load_voices
from voice_model.engines import Engine
from voice_model.pipeline import Encoded
from worker.attempt import Attempt, Done, Split
from worker.pauses import Pauses
from worker.speak import speak
from worker.speaker import Speaker, load_reader

FRAMES = 4  # of each symbol
HOP = 256
RATE = 22_050


class Hum:
    """Networks whose every symbol lasts four frames; odd sums are one longer at the end."""

    def encode(self, symbols: np.ndarray, speaker: int) -> Encoded:
        zeros = np.zeros((80, len(symbols)), np.float32)
        return Encoded(zeros, zeros, np.full(len(symbols), np.log(FRAMES + 0.9), np.float32))

    def decode(self, latent: np.ndarray, speaker: int) -> np.ndarray:
        return latent

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        return np.full(mel.shape[1] * HOP, 0.25, np.float32)


VOICES = load_voices(Settings())
READER = Reader()


class Storage:
    """What a join needs of storage: files by key."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def fetch(self, key: str, path: Path) -> None:
        path.write_bytes(self.files[key])


def job(request: dict[str, Any], **fields: Any) -> Job:
    given: dict[str, Any] = dict.fromkeys(Job.__dataclass_fields__)
    given |= {"id": "j", "kind": "speech", "lane": "speech", "tenant": "default"}
    given |= {"priority": "interactive", "phase": "work", "request": request, "artifacts": ()}
    return Job(**(given | fields))


def attempt(
    tmp_path: Path,
    request: dict[str, Any],
    parts: list[Job] | None = None,
    storage: Any = None,
    stopping: Callable[[], bool] = lambda: False,
    **fields: Any,
) -> Attempt:
    tmp_path.mkdir(exist_ok=True)
    speaker = Speaker(VOICES, Engine("hum", {"korean": Hum()}), READER)
    return Attempt(
        job=job({"voice": "1", **request}, **fields),
        settings=replace(Settings(), part_characters=120),
        storage=storage,
        models={"speech": speaker},
        workdir=tmp_path,
        fetch_input=lambda: tmp_path,
        parts=lambda: parts or [],
        on_progress=lambda fraction, step: progress.append((fraction, step)),
        on_piece=lambda data: pieces.append(data),
        on_store=lambda name, path, kind: name,
        stopping=stopping,
    )


progress: list[tuple[float, str]] = []
pieces: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _fresh() -> None:
    progress.clear()
    pieces.clear()


def done(outcome: Done | Split) -> Done:
    assert isinstance(outcome, Done)
    return outcome


def captions(made: Done) -> dict[str, Any]:
    (path,) = [artifact.path for artifact in made.artifacts if artifact.name == "speech.json"]
    return json.loads(path.read_text("utf-8"))


def samples(made: Done) -> int:
    (path,) = [artifact.path for artifact in made.artifacts if artifact.name == "speech.wav"]
    with wave.open(str(path)) as file:
        return file.getnframes()


def test_a_text_becomes_a_wav_and_its_words(tmp_path: Path) -> None:
    made = done(speak(attempt(tmp_path, {"input": "가 나. 다."})))
    assert [artifact.name for artifact in made.artifacts] == ["speech.wav", "speech.json"]
    # ㄱㅏ ㄴㅏ. is 6 symbols, ㄷㅏ. 3 and one frame to make the sum even.
    first, second = 6 * FRAMES * HOP, (3 * FRAMES) * HOP
    silence = int(Pauses().sentence / 1000 * RATE)
    assert samples(made) == first + silence + second
    words = captions(made)["words"]
    assert [word["word"] for word in words] == [" 가", " 나.", " 다."]
    edges = [0, 2 * FRAMES * HOP, 3 * FRAMES * HOP, first, first + silence]
    times = [
        words[0]["start"],
        words[0]["end"],
        words[1]["start"],
        words[1]["end"],
        words[2]["start"],
    ]
    assert times == pytest.approx([edge / RATE for edge in edges])
    assert made.result["duration"] == pytest.approx(samples(made) / RATE, abs=0.001)
    assert made.usage == {"audio_seconds": made.result["duration"], "characters": 7.0}


def test_silence_is_what_the_settings_say_and_nowhere_else(tmp_path: Path) -> None:
    def length(text: str, **pauses: int) -> int:
        asked = attempt(tmp_path, {"input": text}, kind="part")
        none = {"clause": 0, "sentence": 0, "paragraph": 0}
        asked.models["speech"].pauses = Pauses(**(none | pauses))
        return samples(done(speak(asked)))

    text = "가.\n나.\n\n다. ..."
    none = length(text)
    assert none == 3 * 3 * FRAMES * HOP
    assert length(text, sentence=100) == none + RATE // 10
    assert length(text, paragraph=300) == none + RATE * 3 // 10
    assert length("가나 " * 60, clause=50) - length("가나 " * 60) == int(0.05 * RATE)
    assert length("가, 나, 다.", comma=50) - length("가, 나, 다.") == 2 * int(0.05 * RATE)


def test_a_pause_is_no_less_than_nothing_and_emoji_have_two_ways() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Pauses(sentence=-1)
    with pytest.raises(ValueError, match="name, silent"):
        load_reader(replace(Settings(), emoji="loud"))


def test_each_sentence_is_a_piece_and_a_step(tmp_path: Path) -> None:
    speak(attempt(tmp_path, {"input": "하나. 둘. 셋. 넷."}))
    assert progress == [(n / 4, "speaking") for n in (1, 2, 3, 4)]
    assert [piece["text"] for piece in pieces] == ["하나.", "둘.", "셋.", "넷."]


def test_each_sentence_says_of_how_many_it_is(tmp_path: Path) -> None:
    speak(attempt(tmp_path, {"input": "하나. ... 둘."}))
    assert [(piece["id"], piece["of"]) for piece in pieces] == [(0, 2), (1, 2)]


def streamed(tmp_path: Path, name: str, text: str = "하나. 둘. 셋!") -> tuple[list[bytes], Done]:
    """What a streamed job stores sentence by sentence, and what it is in the end."""
    asked = attempt(
        tmp_path,
        {"input": text, "response_format": name, "formats": [name], "stream_format": "audio"},
    )
    stored: dict[str, bytes] = {}

    def store(name: str, path: Path, kind: str) -> str:
        stored[name] = path.read_bytes()
        return name

    asked.on_store = store
    asked.on_news = lambda: told.append(len(pieces))
    told: list[int] = []
    made = done(speak(asked))
    assert told == [1, 2, 3]
    assert list(stored) == ["stream/0", "stream/1", "stream/2"]
    return list(stored.values()), made


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_the_pieces_of_a_streamed_job_are_its_sound(tmp_path: Path, name: str) -> None:
    sound, made = streamed(tmp_path, name)
    assert all(sound[:2])  # each leaves before the next is made
    if name == "pcm":
        assert b"".join(sound) == made.artifacts[0].path.read_bytes()
        return
    with av.open(io.BytesIO(b"".join(sound))) as one, av.open(str(made.artifacts[0].path)) as other:
        heard, kept = (
            [frame.to_ndarray() for frame in file.decode(audio=0)] for file in (one, other)
        )
    assert np.concatenate(heard, axis=1).shape[1] == pytest.approx(
        np.concatenate(kept, axis=1).shape[1], abs=2_400
    )


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_a_second_attempt_makes_the_same_pieces(tmp_path: Path, name: str) -> None:
    first, _ = streamed(tmp_path / "first", name)
    pieces.clear()
    assert streamed(tmp_path / "second", name)[0] == first


def test_a_streamed_text_is_not_divided(tmp_path: Path) -> None:
    text = " ".join(f"오늘은 {n}번째 날입니다." for n in range(1, 21))
    made = speak(
        attempt(tmp_path, {"input": text, "response_format": "wav", "stream_format": "sse"})
    )
    assert done(made).result["sentences"] == 20


def test_speed_stretches_time(tmp_path: Path) -> None:
    slow = samples(done(speak(attempt(tmp_path / "a", {"input": "안녕", "speed": 0.5}))))
    usual = samples(done(speak(attempt(tmp_path / "b", {"input": "안녕"}))))
    assert slow == pytest.approx(2 * usual, rel=0.05)


@pytest.mark.parametrize("speed", [0.25, 1.0, 1.3, 4.0])
@pytest.mark.parametrize("rate", [8_000, 22_050, 48_000])
@pytest.mark.parametrize("blank", [None, 7])
def test_captions_end_with_the_sound(
    tmp_path: Path, speed: float, rate: int, blank: int | None
) -> None:
    asked = attempt(
        tmp_path,
        {"input": "배 3개. 귤 둘?\n\n끝이다.", "speed": speed, "sample_rate": rate,
         "formats": ["wav", "json", "srt", "vtt"]},
    )  # fmt: skip
    voices = [replace(voice, blank=blank) for voice in VOICES]
    asked.models["speech"].voices = Voices(voices)
    made = done(speak(asked))
    told, files = captions(made), {one.name: one.path for one in made.artifacts}
    with wave.open(str(files["speech.wav"])) as file:
        assert file.getframerate() == rate
        seconds = file.getnframes() / rate
    assert told["duration"] == pytest.approx(seconds, abs=HOP / RATE)
    assert told["segments"][-1]["end"] == told["words"][-1]["end"] == told["duration"]
    for name in ("srt", "vtt"):
        clock = re.findall(r"--> (\S+)", files[f"speech.{name}"].read_text("utf-8"))[-1]
        hours, minutes, rest = clock.replace(",", ".").split(":")
        end = int(hours) * 3600 + int(minutes) * 60 + float(rest)
        assert end == pytest.approx(seconds, abs=HOP / RATE)


def test_words_are_as_written_and_as_said(tmp_path: Path) -> None:
    made = done(speak(attempt(tmp_path, {"input": "닭고기 13개 같이"})))
    words = captions(made)["words"]
    assert [(word["word"], word["reading"]) for word in words] == [
        (" 닭고기", "닥꼬기"),
        (" 13개", "열쎄 개"),
        (" 같이", "가치."),
    ]
    assert all(word["start"] < word["end"] for word in words)
    assert from_json(captions(made)).segments[0].words[1].reading == "열쎄 개"


def test_sentences_begin_and_end_in_silence(tmp_path: Path) -> None:
    made = done(speak(attempt(tmp_path, {"input": "가. 나."})))
    whole = np.concatenate(list(read_wav(made.artifacts[0].path)))
    assert np.abs(np.diff(whole)).max() < 0.02
    assert whole[0] == whole[-1] == 0


def test_the_seed_is_that_of_the_noise(tmp_path: Path) -> None:
    def sound(name: str, **asked: Any) -> bytes:
        given = attempt(tmp_path / name, {"input": "가나다", "response_format": "pcm", **asked})
        voices = [replace(voice, noise_scale=0.5) for voice in VOICES]
        given.models["speech"].voices = Voices(voices)
        given.models["speech"].engine.networks["korean"] = Hiss()
        return done(speak(given)).artifacts[0].path.read_bytes()

    assert sound("a", seed=1) == sound("b", seed=1) != sound("c", seed=2)
    assert sound("d") == sound("e")


class Hiss(Hum):
    """Networks that let the noise be heard."""

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        return np.repeat(mel[0] / 10, HOP).astype(np.float32)


def test_captions_in_every_form(tmp_path: Path) -> None:
    asked = {"input": "배 3개를 샀다.", "formats": ["speech.wav", "srt", "vtt", "json"]}
    made = done(speak(attempt(tmp_path, asked)))
    assert [artifact.name for artifact in made.artifacts] == [
        "speech.wav",
        "speech.srt",
        "speech.vtt",
        "speech.json",
    ]
    text = {artifact.name: artifact.path.read_bytes() for artifact in made.artifacts}
    assert "배 3개를 샀다.".encode() in text["speech.srt"]
    assert text["speech.vtt"].startswith(b"WEBVTT")


def test_what_was_read_otherwise_and_left_out_is_told(tmp_path: Path) -> None:
    made = done(speak(attempt(tmp_path, {"input": "배 3개 ね"})))
    change = {"start": 2, "end": 4, "from": "3개", "to": "세 개", "rule": "count"}
    assert made.result["changes"] == [change]
    assert made.result["unknown"] == ["ね"]
    assert made.warnings[0]["code"] == "characters_left_out"
    assert "ね" in made.warnings[0]["message"]


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"input": ""}, "nothing_to_speak"),
        ({"input": "  \n"}, "nothing_to_speak"),
        ({"input": "..."}, "nothing_to_speak"),
        ({"input": 3}, "nothing_to_speak"),
        ({"input": "ね", "on_unknown": "reject"}, "unreadable_characters"),
        ({"input": "가", "on_unknown": "guess"}, "unknown_on_unknown"),
        ({"input": "가", "speed": 4.5}, "speed_out_of_range"),
        ({"input": "가", "speed": "2"}, "speed_out_of_range"),
        ({"input": "가", "response_format": "wma"}, "unknown_audio_format"),
        ({"input": "가", "formats": ["ass"]}, "unknown_audio_format"),
        ({"input": "가", "sample_rate": 8_001}, "not_one_of"),
        ({"input": "가", "sample_rate": 8_000, "formats": ["wav", "opus"]}, "opus_rate"),
        ({"input": "가", "seed": -1}, "out_of_range"),
        ({"input": "가", "seed": "1"}, "out_of_range"),
    ],
)
def test_a_request_that_cannot_be_spoken_is_refused(
    tmp_path: Path, request_: dict[str, Any], code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        speak(attempt(tmp_path, request_))
    assert caught.value.code == code
    assert caught.value.message("ko") != caught.value.message("en")


def test_an_unknown_voice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        speak(attempt(tmp_path, {"input": "가", "voice": "6"}))


def test_a_broken_voice_fails_its_jobs_while_others_speak(tmp_path: Path) -> None:
    asked = attempt(tmp_path, {"input": "가", "voice": "나래"})
    asked.models["speech"].engine.broken[2] = "damaged"
    with pytest.raises(Internal) as caught:
        speak(asked)
    assert caught.value.code == "voice_broken"
    asked.job.request["voice"] = "1"
    assert done(speak(asked)).result["member"] == 1


def test_cancelling_stops_between_sentences(tmp_path: Path) -> None:
    asked = attempt(tmp_path, {"input": "하나. 둘. 셋."}, stopping=lambda: len(pieces) == 1)
    with pytest.raises(Cancelled):
        speak(asked)
    assert len(pieces) == 1


def test_cancelling_stops_within_a_long_sentence(tmp_path: Path) -> None:
    calls: list[int] = []
    asked = attempt(
        tmp_path,
        {"input": "가나다라마바사 " * 14, "speed": 0.25},
        stopping=lambda: bool(calls.append(1)) or len(calls) > 3,
    )
    with pytest.raises(Cancelled):
        speak(asked)
    assert pieces == []


def spoken(tmp_path: Path, split: Split) -> tuple[Storage, list[Job]]:
    """The parts of a text, each done."""
    storage, parts = Storage(), []
    for number, new in enumerate(split.parts):
        made = done(speak(attempt(tmp_path / f"{number}", new.request, kind="part", part=number)))
        artifacts = [
            Artifact(each.name, f"{number}/{each.name}", each.content_type, 1, "")
            for each in made.artifacts
        ]
        storage.files |= {
            f"{number}/{each.name}": each.path.read_bytes() for each in made.artifacts
        }
        parts.append(job(new.request, result=made.result, artifacts=tuple(artifacts)))
    return storage, parts


def test_parts_of_two_versions_of_a_voice_are_joined_and_both_are_told(tmp_path: Path) -> None:
    text = " ".join(f"오늘은 {n}번째 날입니다." for n in range(1, 21))
    split = speak(attempt(tmp_path / "whole", {"input": text}))
    assert isinstance(split, Split)
    storage, parts = spoken(tmp_path, split)
    sound = tmp_path / "0" / "speech.wav"
    resampled = list(read_wav(sound, 16_000))
    encode(resampled, 16_000, "wav", sound)
    storage.files["0/speech.wav"] = sound.read_bytes()
    older = replace(parts[0], result={**(parts[0].result or {}), "voice_version": "older"})
    asked = {"input": text, "formats": ["wav", "json"]}
    joined = done(
        speak(attempt(tmp_path / "join", asked, [older, *parts[1:]], storage, phase="join"))
    )
    at_once = done(speak(attempt(tmp_path / "one", asked, kind="part")))
    assert samples(joined) == pytest.approx(samples(at_once), abs=4)
    version = VOICES.find(1).version
    assert joined.result["voice_version"] == f"older+{version}"
    assert captions(joined)["engine"]["voice_version"] == f"older+{version}"


def test_a_long_text_is_divided_spoken_and_joined_without_losing_a_word(tmp_path: Path) -> None:
    text = " ".join(f"오늘은 {n}번째 날입니다." for n in range(1, 41))
    split = speak(attempt(tmp_path / "whole", {"input": text, "response_format": "flac"}))
    assert isinstance(split, Split)
    assert len(split.parts) > 3
    storage, parts = spoken(tmp_path, split)
    asked = {"input": text, "formats": ["wav", "json"]}
    joined = done(speak(attempt(tmp_path / "join", asked, parts, storage, phase="join")))
    whole = attempt(tmp_path / "one", asked, kind="part")
    at_once = done(speak(whole))
    assert samples(joined) == samples(at_once)
    one, other = captions(joined), captions(at_once)
    assert [word["word"] for word in one["words"]] == [word["word"] for word in other["words"]]
    assert one["words"][-1]["end"] == pytest.approx(other["words"][-1]["end"], abs=1e-4)
    assert [segment["id"] for segment in one["segments"]] == list(range(40))
    assert joined.result["changes"] == at_once.result["changes"]


def test_a_part_of_nothing_but_signs_is_silent_not_failed(tmp_path: Path) -> None:
    made = done(speak(attempt(tmp_path, {"input": "...", "formats": ["wav", "json"]}, kind="part")))
    assert samples(made) == 0
