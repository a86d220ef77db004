"""The transcription handler and command, with an engine that hears tones: quick, through the same door."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from moksori.__main__ import main
from speech.errors import BadMedia, Cancelled, InvalidRequest, TooLarge
from speech.jobs import Artifact, Job, NewJob
from speech.lexicon import Entry
from speech.messages import MESSAGES
from speech.settings import Settings
from speech.subtitles import from_json
from speech.wav import copied
from tests import hearing_fixtures
from tests.hearing_fixtures import ToneEngine, melody
from tests.media_fixtures import stereo, wav
from worker import sounds
from worker.attempt import Attempt, Done, Split
from worker.engines import TRANSCRIBERS, TranscribeOptions
from worker.transcribe import load_transcription_models, transcribe

pytestmark = pytest.mark.slow  # each decodes in a process of its own

SETTINGS = Settings(part_seconds=6.0, audio_max_seconds=120)
EIGHT = [300, 500, 700, 900, 1100, 1300, 1500, 1700]  # 12 s with their pauses


class Bench:
    """What an attempt talks to: a folder as storage, and lists of what it was told."""

    def __init__(self, folder: Path, engine: Any = None) -> None:
        self.folder, self.engine = folder, engine or ToneEngine()
        self.stored: dict[str, Path] = {}
        self.told: list[tuple[float, str]] = []
        self.pieces: list[dict[str, Any]] = []
        self.stop_after = 10_000  # checks
        self.attempts = 0

    def open(self, key: str) -> Any:
        yield self.stored[key].read_bytes()

    def store(self, name: str, path: Path, kind: str) -> str:
        self.stored[name] = self.folder / f"stored-{len(self.stored)}"
        shutil.copyfile(path, self.stored[name])
        return name

    def stopping(self) -> bool:
        self.stop_after -= 1
        return self.stop_after < 0

    def attempt(self, media: Path | None, request: dict[str, Any], **fields: Any) -> Attempt:
        parts = fields.pop("parts", [])
        workdir = self.folder / f"work-{self.attempts}"
        workdir.mkdir()
        self.attempts += 1
        return Attempt(
            job=job(request, **fields),
            settings=SETTINGS,
            storage=self,
            models={"transcription": self.engine},
            workdir=workdir,
            fetch_input=lambda: Path(shutil.copyfile(media, workdir / "input")),
            parts=lambda: parts,
            on_progress=lambda fraction, step: self.told.append((fraction, step)),
            on_piece=self.pieces.append,
            on_store=self.store,
            stopping=self.stopping,
        )

    def finish_parts(self, split: Split) -> list[Job]:
        """Run every part as its own job; the rows that a join finds."""
        return [self._finish(number, part) for number, part in enumerate(split.parts)]

    def _finish(self, number: int, part: NewJob) -> Job:
        media = self.stored[part.input["key"]]
        done = transcribe(self.attempt(media, part.request, kind="part", input=part.input))
        assert isinstance(done, Done)
        (made,) = done.artifacts
        key = f"{number}/{made.name}"
        self.stored[key] = made.path
        artifact = Artifact(made.name, key, made.content_type, 1, "")
        return job(
            part.request, kind="part", artifacts=(artifact,), warnings=done.warnings, result=done.result
        )  # fmt: skip


def job(request: dict[str, Any], **fields: Any) -> Job:
    given: dict[str, Any] = dict.fromkeys(Job.__dataclass_fields__)
    given |= {"id": "j", "kind": "transcription", "lane": "transcription", "tenant": "default"}
    given |= {"priority": "batch", "phase": "work", "request": request, "artifacts": ()}
    given |= {"warnings": [], "input": {"key": "k"}}
    return Job(**(given | fields))


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def tune(tmp_path):
    return wav(tmp_path / "tune", melody([300, 500, 700]))


def file_of(done: Done | Split, name: str) -> str:
    assert isinstance(done, Done)
    (path,) = [one.path for one in done.artifacts if one.name == name]
    return path.read_text("utf-8")


def test_a_recording_becomes_a_transcript(bench, tune):
    done = transcribe(bench.attempt(tune, {}))
    transcript = from_json(json.loads(file_of(done, "transcript.json")))
    assert transcript.text == "300 500 700"
    assert [segment.start for segment in transcript.segments] == [0.0, 1.5, 3.0]
    assert transcript.segments[1].words[0].word == " 500"
    assert done.result == {
        "text": "300 500 700", "language": "ko", "language_probability": 1.0, "duration": 4.5,
    }  # fmt: skip
    assert done.usage == {"audio_seconds": 4.5}
    assert done.warnings == []
    assert transcript.engine["name"] == "tones"


def test_the_files_asked_for_are_made(bench, tune):
    request = {"formats": ["srt", "vtt", "txt", "srt"], "cue_rules": {"max_chars": 3}}
    done = transcribe(bench.attempt(tune, request))
    assert [one.name for one in done.artifacts] == [
        "transcript.json", "transcript.srt", "transcript.vtt", "transcript.txt",
    ]  # fmt: skip
    assert "2\n00:00:01,000 --> 00:00:02,500\n500\n" in file_of(done, "transcript.srt")
    assert file_of(done, "transcript.txt") == "300 500 700\n"


def test_cues_follow_the_languages_rules_unless_the_request_names_others(bench, tune):
    def cues(**request):
        done = transcribe(bench.attempt(tune, {"formats": ["srt"], **request}))
        return file_of(done, "transcript.srt").count("-->")

    assert cues() == 1
    assert cues(cue_rules={"max_chars": 7}) == 2
    assert cues(preset="broadcast", cue_rules={"pause": 0.4}) == 3
    with pytest.raises(InvalidRequest) as caught:
        cues(cue_rules={"max_chars": 0})
    assert caught.value.param == "cue_rules.max_chars"
    assert bench.engine.decoded == 9  # the wrong one was refused before the work


def test_a_transcript_holds_the_sentence_of_every_word(bench, tune):
    done = transcribe(bench.attempt(tune, {}))
    words = json.loads(file_of(done, "transcript.json"))["words"]
    assert [(word["id"], word["sentence"]) for word in words] == [(0, 0), (1, 0), (2, 0)]


def test_a_response_format_that_is_a_file_is_made_too(bench, tune):
    done = transcribe(bench.attempt(tune, {"formats": [], "response_format": "vtt"}))
    assert [one.name for one in done.artifacts] == ["transcript.json", "transcript.vtt"]


def test_an_unknown_format_is_refused_before_any_work(bench, tune):
    with pytest.raises(InvalidRequest) as caught:
        transcribe(bench.attempt(tune, {"formats": ["docx"]}))
    assert caught.value.code == "unknown_transcript_format"
    assert not bench.told


def test_what_the_request_says_reaches_the_engine(bench, tune):
    transcribe(
        bench.attempt(
            tune,
            {"language": "Korean", "prompt": "목소리", "temperature": 0.4, "beam_size": 2},
            kind="translation",
        )
    )
    assert bench.engine.asked == [
        TranscribeOptions("ko", "translate", "목소리", 0.4, beam_size=2),
    ]


def test_nothing_asked_is_the_engines_own_way(bench, tune):
    asked = {"language": None, "prompt": None, "temperature": None, "timestamp_granularities": []}
    transcribe(bench.attempt(tune, asked))
    assert bench.engine.asked == [TranscribeOptions()]


def test_progress_never_goes_back_and_pieces_come_as_they_are_heard(bench, tune):
    transcribe(bench.attempt(tune, {}))
    fractions = [fraction for fraction, _ in bench.told]
    assert fractions == sorted(fractions)
    assert fractions[-1] > 0.8
    assert list(dict.fromkeys(step for _, step in bench.told)) == [
        "fetching",
        "reading",
        "decoding",
    ]
    assert bench.pieces[1] == {"id": 1, "start": 1.5, "end": 2.5, "text": " 500"}


def test_a_cancel_stops_between_two_segments(bench, tune):
    attempt = bench.attempt(tune, {})
    attempt.on_piece = lambda piece: setattr(bench, "stop_after", 0)
    with pytest.raises(Cancelled):
        transcribe(attempt)
    assert bench.engine.decoded == 1


def test_silence_is_an_empty_transcript_with_a_warning(bench, tmp_path):
    silence = wav(tmp_path / "silence", np.zeros(32_000, np.int16))
    done = transcribe(bench.attempt(silence, {"formats": ["srt", "vtt"]}))
    assert done.result == {
        "text": "", "language": "und", "language_probability": 0.0, "duration": 2.0,
    }  # fmt: skip
    assert done.warnings == [{"code": "no_speech"}]
    assert file_of(done, "transcript.srt") == ""
    assert file_of(done, "transcript.vtt") == "WEBVTT\n"


@pytest.mark.parametrize(
    ("request_", "param"),
    [({}, "file"), ({"url": "https://a"}, "url"), ({"input": "gs://a"}, "input")],
)
def test_bad_media_names_the_field_it_came_by(bench, tmp_path, request_, param):
    (tmp_path / "text").write_text("this is no sound")
    with pytest.raises(BadMedia) as caught:
        transcribe(bench.attempt(tmp_path / "text", request_))
    assert caught.value.param == param


def test_a_recording_over_the_limit_is_refused(bench, tmp_path):
    long = wav(tmp_path / "long", np.zeros(16_000 * 121, np.int16))
    with pytest.raises(TooLarge, match="2 minutes"):
        transcribe(bench.attempt(long, {}))


def test_a_truncated_recording_is_transcribed_with_a_warning(bench, tune):
    tune.write_bytes(tune.read_bytes()[: tune.stat().st_size // 2])
    done = transcribe(bench.attempt(tune, {}))
    assert done.result["text"].startswith("300 500")
    assert [warning["code"] for warning in done.warnings] == ["media_truncated"]


def test_a_long_recording_is_cut_in_pauses_and_joins_to_the_same_transcript(bench, tmp_path):
    media = wav(tmp_path / "media", melody(EIGHT))
    request = {"formats": ["srt"], "prompt": "tones", "cue_rules": {"max_chars": 3}}
    split = transcribe(bench.attempt(media, request))
    assert isinstance(split, Split)
    assert len(split.parts) == 2
    assert {(part.kind, part.lane, part.priority) for part in split.parts} == {
        ("part", "transcription", "batch")
    }
    parts = bench.finish_parts(split)
    done = transcribe(bench.attempt(None, request, phase="join", parts=parts))
    joined = from_json(json.loads(file_of(done, "transcript.json")))
    assert joined.text == " ".join(map(str, EIGHT))
    assert [segment.id for segment in joined.segments] == list(range(8))
    starts = [segment.start for segment in joined.segments]
    assert starts == pytest.approx([1.5 * n for n in range(8)], abs=0.021)
    assert [word.start for one in joined.segments for word in one.words] == starts
    assert joined.duration == 12.0
    assert done.usage == {"audio_seconds": 12.0}
    assert "8\n00:00:10,010 --> 00:00:11,51" in file_of(done, "transcript.srt")


def test_parts_are_cut_from_the_samples_and_need_no_decoder(bench, tmp_path, monkeypatch):
    sound = melody(EIGHT)
    split = transcribe(bench.attempt(wav(tmp_path / "media", sound), {}))
    kept = [tmp_path / f"raw-{number}" for number in range(len(split.parts))]
    for part, raw in zip(split.parts, kept, strict=True):
        assert copied(bench.stored[part.input["key"]], raw, 16_000)
    assert b"".join(raw.read_bytes() for raw in kept) == sound.tobytes()
    monkeypatch.setattr(sounds, "decode", None)
    assert len(bench.finish_parts(split)) == 2


def test_nobody_waits_for_the_first_words_of_a_part(bench, tmp_path):
    split = transcribe(bench.attempt(wav(tmp_path / "media", melody(EIGHT)), {}))
    bench.finish_parts(split)
    transcribe(bench.attempt(wav(tmp_path / "short", melody([300])), {}))
    assert [asked.soon for asked in bench.engine.asked] == [False, False, True]


def test_the_language_of_a_long_recording_is_detected_once(bench, tmp_path):
    media = wav(tmp_path / "media", melody(EIGHT))
    split = transcribe(bench.attempt(media, {"prompt": "tones"}))
    parts = bench.finish_parts(split)
    done = transcribe(bench.attempt(None, {}, phase="join", parts=parts))
    assert bench.engine.detections == 1
    assert {(one.language, one.prompt) for one in bench.engine.asked} == {("ko", "tones")}
    joined = from_json(json.loads(file_of(done, "transcript.json")))
    assert (joined.language, joined.language_probability) == ("ko", 0.75)


def test_a_language_that_was_given_is_not_detected(bench, tmp_path):
    media = wav(tmp_path / "media", melody(EIGHT))
    split = transcribe(bench.attempt(media, {"language": "en"}, kind="translation"))
    bench.finish_parts(split)
    assert bench.engine.detections == 0
    assert {(one.language, one.task) for one in bench.engine.asked} == {("en", "translate")}


def test_pieces_of_a_part_have_the_times_of_the_whole(bench, tmp_path):
    split = transcribe(bench.attempt(wav(tmp_path / "media", melody(EIGHT)), {}))
    bench.finish_parts(split)
    starts = [piece["start"] for piece in bench.pieces]
    assert starts == pytest.approx([1.5 * n for n in range(8)], abs=0.021)


def test_warnings_of_a_long_recording_are_told_once(bench, tmp_path):
    sound = np.concatenate([melody(EIGHT), np.zeros(16_000 * 20, np.int16)])
    media = wav(tmp_path / "media", sound)
    media.write_bytes(media.read_bytes()[:-200_000])
    split = transcribe(bench.attempt(media, {}))
    parts = bench.finish_parts(split)
    assert parts[-1].warnings == []
    done = transcribe(bench.attempt(None, {}, phase="join", parts=parts))
    assert [warning["code"] for warning in done.warnings] == ["media_truncated"]


def test_a_long_silence_joins_to_an_empty_transcript(bench, tmp_path):
    media = wav(tmp_path / "media", np.zeros(16_000 * 13, np.int16))
    split = transcribe(bench.attempt(media, {}))
    done = transcribe(bench.attempt(None, {}, phase="join", parts=bench.finish_parts(split)))
    assert done.result == {
        "text": "", "language": "und", "language_probability": 0.0, "duration": 13.0,
    }  # fmt: skip
    assert done.warnings == [{"code": "no_speech"}]


def test_a_channel_is_heard_by_itself(bench, tmp_path):
    media = stereo(tmp_path / "media", melody([300, 500]), melody([700, 900]))
    assert transcribe(bench.attempt(media, {"channel": "right"})).result["text"] == "700 900"
    with pytest.raises(BadMedia, match="tracks in the file: 1"):
        transcribe(bench.attempt(media, {"track": 1}))


def beside(channels, pause):
    """A recording in which the channels speak in turn, and its transcript's (speaker, text)."""
    turns = [np.zeros(pause * len(channels), np.int16) for _ in channels]
    for n, tones in enumerate(channels):
        turns[n][n * pause : n * pause + len(tones)] = tones
    return turns


def test_each_channel_is_heard_by_itself_and_named(bench, tmp_path):
    left, right = beside([melody([300]), melody([700])], pause=32_000)
    media = stereo(tmp_path / "media", left, right)
    done = transcribe(bench.attempt(media, {"channel": "each"}))
    joined = from_json(json.loads(file_of(done, "transcript.json")))
    told = [(segment.id, segment.speaker, segment.text) for segment in joined.segments]
    assert told == [(0, "left", " 300"), (1, "right", " 700")]
    assert (joined.duration, done.result["text"]) == (4.0, "300 700")


def test_each_channel_of_a_long_recording_is_cut_and_joined(bench, tmp_path):
    eight = melody(EIGHT)
    left, right = beside([eight, eight], pause=len(eight))
    split = transcribe(bench.attempt(stereo(tmp_path / "media", left, right), {"channel": "each"}))
    assert [part.request["speaker"] for part in split.parts] == ["left"] * 5 + ["right"] * 5
    parts = bench.finish_parts(split)
    done = transcribe(bench.attempt(None, {"channel": "each"}, phase="join", parts=parts))
    joined = from_json(json.loads(file_of(done, "transcript.json")))
    assert [segment.speaker for segment in joined.segments] == ["left"] * 8 + ["right"] * 8
    assert joined.segments[8].start == pytest.approx(12.0, abs=0.02)
    assert joined.duration == 24.0


def test_a_mono_recording_has_no_channels_to_name(bench, tune):
    done = transcribe(bench.attempt(tune, {"channel": "each"}))
    joined = from_json(json.loads(file_of(done, "transcript.json")))
    assert {segment.speaker for segment in joined.segments} == {None}


def test_the_first_words_of_a_long_recording_are_heard_while_it_is_read(bench, tmp_path):
    media = wav(tmp_path / "media", melody(EIGHT))
    split = transcribe(bench.attempt(media, {}, priority="interactive"))
    early = [piece["text"] for piece in bench.pieces]
    assert early == [" 300", " 500", " 700", " 900", " 1100", " 1300", " 1500"]
    bench.finish_parts(split)
    again = [piece["text"] for piece in bench.pieces[len(early) :]]
    assert again[: len(early)] == early  # so that who follows passes over as many


def test_nobody_waits_for_the_first_words_of_a_batch_or_of_a_short_recording(bench, tmp_path, tune):
    split = transcribe(bench.attempt(wav(tmp_path / "media", melody(EIGHT)), {}))
    assert isinstance(split, Split)
    assert bench.engine.asked == []
    transcribe(bench.attempt(tune, {}, priority="interactive"))
    assert len(bench.engine.asked) == 1


def test_a_part_is_never_cut_again(bench, tmp_path):
    media = wav(tmp_path / "media", melody(EIGHT))
    done = transcribe(bench.attempt(media, {"offset": 0.0}, kind="part"))
    assert isinstance(done, Done)
    assert done.usage == {}


def test_an_engine_is_found_by_its_name(monkeypatch):
    monkeypatch.setitem(TRANSCRIBERS, "tones", lambda settings: ToneEngine())
    assert isinstance(load_transcription_models(Settings(transcription_engine="tones")), ToneEngine)
    with pytest.raises(ValueError, match="whisper, tones"):
        load_transcription_models(Settings(transcription_engine="parrot"))


@pytest.fixture
def run(monkeypatch):
    """The command with the tone engine."""
    monkeypatch.setitem(TRANSCRIBERS, "whisper", lambda settings: ToneEngine())

    def call(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["transcribe", *arguments])

    return call


def test_the_command_prints_a_transcript(run, tune):
    ran = run(str(tune))
    assert (ran.exit_code, ran.stdout) == (0, "300 500 700\n")


def test_the_command_writes_subtitles_of_a_long_file(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MOKSORI_PART_SECONDS", "6")
    media = wav(tmp_path / "media", melody(EIGHT))
    ran = run(str(media), "--format", "vtt", "--language", "ko", "-o", str(tmp_path / "out.vtt"))
    assert (ran.exit_code, ran.stdout) == (0, "")
    written = (tmp_path / "out.vtt").read_text("utf-8")
    assert written.count("-->") == 2
    assert written.endswith("00:00:11.510\n1700\n")


def test_the_command_cuts_cues_by_a_preset(run, tune):
    ran = run(str(tune), "--format", "srt", "--preset", "japanese")
    assert ran.stdout.count("-->") == 1
    assert run(str(tune), "--format", "srt", "--preset", "cinema").exit_code == 2


def test_the_command_says_what_is_wrong(run, tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert "The file is empty" in run(str(tmp_path / "a")).stderr
    ran = run(str(tmp_path / "a"), "--language", "klingon")
    assert ran.exit_code == 1
    assert "'klingon' is not a language" in ran.stderr
    silent = wav(tmp_path / "b", np.zeros(16_000, np.int16))
    ran = run(str(silent), "--format", "vtt")
    assert (ran.exit_code, ran.stdout) == (0, "WEBVTT\n")
    assert "No speech was found" in ran.stderr


def test_the_command_speaks_the_language_of_the_terminal(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    (tmp_path / "a").write_bytes(b"")
    assert f"Error: {MESSAGES['media_empty'][1]}" in run(str(tmp_path / "a")).stderr
    silent = wav(tmp_path / "b", np.zeros(16_000, np.int16))
    assert MESSAGES["no_speech"][1] in run(str(silent)).stderr


def test_names_are_written_as_they_are_and_each_repair_is_told(bench, tune, monkeypatch):
    said, pitch = {300: "먼저", 500: "지리매시를", 700: "켭니다"}, hearing_fixtures.pitch
    monkeypatch.setattr(hearing_fixtures, "pitch", lambda samples: said[pitch(samples)])
    names = [{"written": "Z-Remesh", "spoken": ["지 리메시"]}]
    done = transcribe(bench.attempt(tune, {"names": names}))
    told = json.loads(file_of(done, "transcript.json"))
    assert told["text"] == done.result["text"] == "먼저 Z-Remesh를 켭니다"
    (repair,) = told["repairs"]
    assert (repair["heard"], repair["start"]) == ("지리매시를", 1.5)
    plain = transcribe(bench.attempt(tune, {}))
    assert json.loads(file_of(plain, "transcript.json"))["repairs"] == []


def test_the_tenants_lexicon_is_written_unless_the_request_says_otherwise(bench, tune, monkeypatch):
    said, pitch = {300: "먼저", 500: "지리매시를", 700: "켭니다"}, hearing_fixtures.pitch
    monkeypatch.setattr(hearing_fixtures, "pitch", lambda samples: said[pitch(samples)])

    def text(**request):
        attempt = bench.attempt(tune, request)
        attempt.entries = lambda: [Entry("Z-Remesh", "지 리메시", aliases=("지리메쉬",))]
        return transcribe(attempt).result["text"]

    assert text() == "먼저 Z-Remesh를 켭니다"
    assert text(lexicon=False) == "먼저 지리매시를 켭니다"
    given = [{"written": "GI-Remesh", "spoken": ["지리매시"]}]
    assert text(lexicon=False, names=given) == "먼저 GI-Remesh를 켭니다"


def test_names_in_another_language_are_a_warning(bench, tune):
    request = {"names": [{"written": "Z-Remesh", "spoken": []}], "language": "en"}
    done = transcribe(bench.attempt(tune, request))
    assert [one["code"] for one in done.warnings] == ["names_need_korean"]
