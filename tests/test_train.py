"""`moksori train`: a tiny dataset spoken by a shipped voice becomes a member of its own, through a kill -9."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner

from bench.service import served
from moksori import train
from moksori.train import command
from speech.korean.reader import Reader, symbols
from speech.settings import Settings
from speech.voices import load_voices
from tests.recordings import sound, write
from voice_model.engines import load
from voice_model.pipeline import SpeakOptions
from voice_model.train_plan import Options, read_plan

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = (ROOT / "voice_model" / "eval.txt").read_text("utf-8").splitlines()[:6]
TRAINED = [
    pytest.mark.coqui,
    pytest.mark.models,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("train"),
]


@dataclass(frozen=True)
class Trained:
    """What two runs said, the first of them killed, and where their work and their voices are."""

    first: str
    second: str
    work: Path
    voices: Path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """Four steps of Glow-TTS and two of HiFi-GAN, killed after the second step."""
    folder = tmp_path_factory.mktemp("train")
    _speak(folder / "recordings")
    arguments = ["--member", "6", "--slug", "hana", "--name", "하나"]
    arguments += ["--work", str(folder / "work"), "--voices", str(folder / "voices")]
    for option in ("acoustic_steps=4", "vocoder_steps=2", "save_every=2", "batch=2", "threads=1"):
        arguments += ["--set", option]
    arguments += ["--set", "precision=bfloat16"]
    run = [sys.executable, "-m", "moksori", "train", str(folder / "recordings"), *arguments]
    first = _killed_after("acoustic 2/4", run)
    second = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert second.returncode == 0, second.stdout + second.stderr
    yield Trained(first, second.stdout, folder / "work", folder / "voices")


def _speak(folder: Path) -> None:
    voices = load_voices(Settings())
    engine, reader, voice = load(voices, Settings(speech_engine="onnx")), Reader(), voices.find(2)
    lines = []
    for number, sentence in enumerate(SENTENCES):
        ids = symbols(reader.read(sentence).reading, voice)[0]
        audio, _ = engine.synthesize(ids, voice, SpeakOptions())
        write(folder / "wavs" / f"{number}.wav", audio.samples, audio.rate)
        lines.append(f"{number}|{sentence}|{sentence}")
    (folder / "metadata.csv").write_text("\n".join(lines), "utf-8")


def _killed_after(line: str, run: list[str]) -> str:
    """What the run printed until that line, when it and its children were killed."""
    process = subprocess.Popen(
        run, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    said = []
    assert process.stdout is not None
    for each in process.stdout:
        said.append(each)
        if each.startswith(line):
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    process.stdout.close()
    return "".join(said)


class TestTrained:
    """What is true after both runs."""

    pytestmark = TRAINED

    def test_the_second_run_goes_on_at_the_step_of_the_last_checkpoint(
        self, trained: Trained
    ) -> None:
        assert "acoustic: from step 0 to 4" in trained.first
        assert "acoustic: from step 2 to 4" in trained.second
        assert "vocoder: from step 0 to 2" in trained.second

    def test_each_checkpoint_has_a_sample_and_an_alignment(self, trained: Trained) -> None:
        names = {path.name for path in (trained.work / "samples").iterdir()}
        assert {"acoustic-2.wav", "acoustic-4.wav", "vocoder-2.wav", "acoustic-4.svg"} <= names
        assert "polyline" in (trained.work / "samples" / "acoustic-4.svg").read_text("utf-8")
        assert not list((trained.work / "acoustic").glob("*.part"))

    def test_the_evaluation_is_of_recordings_that_were_held_out(self, trained: Trained) -> None:
        told = json.loads((trained.work / "evaluation.json").read_text("utf-8"))
        assert told.keys() == {"mel", "frames", "pace", "vocoder"}
        assert 0 < told["mel"] < 2 and 0.5 < told["pace"] < 2

    def test_the_new_voice_speaks_through_the_service_beside_the_others(
        self, trained: Trained
    ) -> None:
        body = {"model": "tts-1", "input": "안녕하세요.", "response_format": "wav"}
        with served("embedded", voices=trained.voices) as service:
            for voice in ("hana", "gaon"):
                answer = requests.post(
                    f"{service.base}/v1/audio/speech", json={**body, "voice": voice}, timeout=60
                )
                assert answer.status_code == 200, answer.text
                assert answer.content[:4] == b"RIFF" and len(answer.content) > 20_000


def test_lines_that_cannot_be_learned_from_stop_it_before_it_trains(tmp_path: Path) -> None:
    write(tmp_path / "wavs" / "a.wav", sound())
    (tmp_path / "metadata.csv").write_text("a|오늘은 날씨가 참 좋네요.\nb|없는 소리", "utf-8")
    given = [str(tmp_path), "--member", "6", "--slug", "hana", "--work", str(tmp_path / "work")]
    ran = CliRunner().invoke(command, given)
    assert ran.exit_code == 1
    assert "metadata.csv:2: there is no sound" in ran.output and "--leave-out" in ran.output
    assert (tmp_path / "work" / "report-hana.html").exists()
    assert not (tmp_path / "work" / "plan.json").exists()
    assert CliRunner().invoke(command, [*given, "--check-only"]).exit_code == 0


def test_without_pytorch_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        write(tmp_path / "wavs" / f"{name}.wav", sound(seed=ord(name)))
    lines = "a|오늘은 날씨가 좋네요.\nb|내일은 비가 와요.\nc|모레는 눈이 와요."
    (tmp_path / "metadata.csv").write_text(lines, "utf-8")
    monkeypatch.setattr(train, "has_coqui", lambda: False)
    monkeypatch.setattr(train, "SECOND", tmp_path / "nowhere")
    given = [str(tmp_path), "--member", "6", "--slug", "hana", "--work", str(tmp_path / "work")]
    ran = CliRunner().invoke(command, given)
    assert ran.exit_code == 1 and "make coqui" in ran.output


def test_two_trainings_do_not_share_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "has_coqui", lambda: True)  # no training begins
    lines = []
    for name in ("a", "b", "c"):
        write(tmp_path / "wavs" / f"{name}.wav", sound(seed=ord(name)))
        lines.append(f"{name}|오늘은 {'abc'.index(name) + 1}일이라서 바빠요.")
    (tmp_path / "metadata.csv").write_text("\n".join(lines), "utf-8")
    given = [str(tmp_path), "--member", "6", "--slug", "hana", "--work", str(tmp_path / "work")]
    (tmp_path / "work").mkdir()
    with (tmp_path / "work" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = CliRunner().invoke(command, given)
    assert ran.exit_code == 1 and "another training works in" in ran.output
    assert not (tmp_path / "work" / "plan.json").exists()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("speed=2", "none of start"),
        ("batch=many", "is not int"),
        ("batch=0", "at least 1"),
        ("start=here", "none of shipped"),
    ],
)
def test_an_option_that_is_none_is_refused(tmp_path: Path, option: str, said: str) -> None:
    given = [str(tmp_path), "--member", "6", "--slug", "hana", "--set", option]
    ran = CliRunner().invoke(command, given)
    assert ran.exit_code == 1 and said in ran.output


def test_the_recipe_of_the_five_is_read_with_given_durations() -> None:
    plan = read_plan(ROOT / "voice_model" / "recipes" / "five.json")
    assert [each.member for each in plan.speakers] == [1, 2, 3, 4, 5]
    assert plan.options.durations == "given" and plan.options.seed == Options().seed


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"model": "x", "speakers": []}', '{"model": "x", "speakers": [{"a": 1}]}']
)
def test_a_broken_recipe_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"recipe\.json"):
        read_plan(path)
