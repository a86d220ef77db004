"""The handler of a preview, with the engine that hums."""

from dataclasses import replace
from pathlib import Path

import pytest

from speech.errors import InvalidRequest
from speech.voices import Voices
from tests.test_speak import VOICES, attempt, done
from worker.speak import speak


def previewed(tmp_path: Path, **asked: object) -> dict:
    made = done(speak(attempt(tmp_path, asked, kind="preview")))
    assert made.artifacts == []
    return made.result


def test_a_preview_tells_what_is_said_before_and_after_the_sound_rules(tmp_path: Path) -> None:
    told = previewed(tmp_path, input="닭고기 13개.\n같이 먹자.")
    assert told["normalized"] == "닭고기 열세 개. 같이 먹자."
    assert told["reading"] == "닥꼬기 열쎄 개. 가치 먹짜."
    change = {"start": 4, "end": 7, "from": "13개", "to": "열세 개", "rule": "count"}
    assert told["changes"] == [change]
    assert (told["unknown"], told["cached"]) == ([], False)


@pytest.mark.parametrize("speed", [0.25, 1.0, 2.5])
def test_the_seconds_are_those_of_the_sound(tmp_path: Path, speed: float) -> None:
    asked = {"input": "가 나. 다.\n\n라. ...", "speed": speed}
    sound = done(speak(attempt(tmp_path / "sound", dict(asked))))
    assert previewed(tmp_path / "told", **asked)["seconds"] == sound.result["duration"]


def test_places_are_those_of_the_whole_text(tmp_path: Path) -> None:
    text = "하나.\n\n  배 3개, 귤 2개. 끝. 5%"
    for change in previewed(tmp_path, input=text)["changes"]:
        assert text[change["start"] : change["end"]] == change["from"]


def test_characters_without_a_sound_are_told_or_refused(tmp_path: Path) -> None:
    assert previewed(tmp_path, input="배 ね")["unknown"] == ["ね"]
    with pytest.raises(InvalidRequest) as caught:
        previewed(tmp_path, input="배 ね", on_unknown="reject")
    assert caught.value.code == "unreadable_characters"


def test_so_are_symbols_that_this_voice_does_not_have(tmp_path: Path) -> None:
    asked = attempt(tmp_path, {"input": "가나", "on_unknown": "reject"}, kind="preview")
    voices = [replace(voice, symbols=("ᄀ", "ᅡ", ".")) for voice in VOICES]
    asked.models["speech"].voices = Voices(voices)
    with pytest.raises(InvalidRequest) as caught:
        speak(asked)
    assert caught.value.fields["characters"] == "ᄂ"
