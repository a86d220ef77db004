"""Hanja in Hangul."""

import pytest

from speech.korean.hanja import is_hanja, read_hanja, sounds_of_hanja


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("女子", "여자"),
        ("男女", "남녀"),
        ("老人", "노인"),
        ("良心", "양심"),
        ("改良", "개량"),
        ("率先", "솔선"),
        ("比率", "비율"),
        ("能率", "능률"),
        ("行列", "행렬"),
        ("羅列", "나열"),
        ("不足", "부족"),
        ("不正", "부정"),
        ("不安", "불안"),
        ("安寧", "안녕"),
        ("車庫", "차고"),
        ("自動車", "자동차"),
    ],
)
def test_the_first_sound_of_a_word_follows_the_rule_of_first_sounds(
    written: str, said: str
) -> None:
    assert read_hanja(written) == said


def test_what_is_no_hanja_stays() -> None:
    assert read_hanja("ね") == "ね"
    assert not is_hanja("ね") and is_hanja("字")


def test_the_sounds_of_hanja_are_syllables_and_few() -> None:
    assert {"대", "학", "률"} <= sounds_of_hanja()
    assert "씻" not in sounds_of_hanja() and len(sounds_of_hanja()) < 700
