"""`moksori say` and `moksori voices`, with the voices that ship."""

import json
import shutil
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from moksori.__main__ import main
from moksori.voices import command as voices
from speech.messages import MESSAGES
from speech.voices import SHIPPED

pytestmark = pytest.mark.models


def say(*arguments: str, language: str = "en_US.UTF-8") -> Result:
    """Run `moksori say` in a terminal of this language."""
    return CliRunner(env={"LC_ALL": language}).invoke(main, ["say", *arguments])


def test_say_writes_a_wav_and_captions_without_a_server(tmp_path: Path) -> None:
    output = tmp_path / "hi.wav"
    arguments = ["안녕하세요", "--member", "나래", "-o", str(output), "--captions", "srt"]
    ran = say(*arguments)
    assert ran.exit_code == 0, ran.output
    with wave.open(str(output)) as file:
        assert 0.5 < file.getnframes() / file.getframerate() < 3
    assert "안녕하세요" in (tmp_path / "hi.srt").read_text("utf-8")


def test_say_takes_the_format_from_the_file_and_the_speed(tmp_path: Path) -> None:
    output = tmp_path / "hi.flac"
    ran = say("안녕", "-o", str(output), "--speed", "2")
    assert ran.exit_code == 0, ran.output
    assert output.read_bytes()[:4] == b"fLaC"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["안녕", "--member", "6"], "가온"),
        (["..."], "nothing"),
        (["안녕", "-o", "x.wma"], "mp3"),
        (["안녕", "--speed", "9"], "0.25"),
    ],
)
def test_say_refuses_with_what_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = say(*arguments)
    assert ran.exit_code != 0
    assert said in ran.output
    assert list(tmp_path.iterdir()) == []


def test_say_tells_what_it_left_out(tmp_path: Path) -> None:
    ran = say("안녕 ねこ", "-o", str(tmp_path / "x.wav"))
    assert ran.exit_code == 0
    assert "ね こ" in ran.output
    ran = say("안녕 ねこ", "-o", str(tmp_path / "x.wav"), language="ko_KR.UTF-8")
    assert MESSAGES["characters_left_out"][1].format(characters="ね こ") in ran.output


def test_say_refuses_in_the_language_of_the_terminal() -> None:
    ran = say("안녕", "-o", "x.wma", language="ko_KR.UTF-8")
    assert ran.exit_code == 1
    assert "wma 형식으로" in ran.output


def test_voices_lists_every_member_and_its_engine() -> None:
    ran = CliRunner().invoke(voices, ["--json"])
    assert ran.exit_code == 0, ran.output
    assert [row["member"] for row in json.loads(ran.output)] == [1, 2, 3, 4, 5]
    assert "가온 (gaon)" in CliRunner().invoke(voices, []).output


def test_voices_says_why_a_damaged_voice_does_not_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(SHIPPED, tmp_path / "voices")
    (tmp_path / "voices" / "onnx" / "encoder.onnx").write_bytes(b"no graph")
    monkeypatch.setenv("MOKSORI_VOICES", str(tmp_path / "voices"))
    ran = CliRunner().invoke(voices, [])
    assert ran.exit_code == 1
    assert "encoder.onnx" in ran.output
