"""Particles written in both forms agree with what is said before them."""

import pytest

from speech.korean.particles import agree


@pytest.mark.parametrize(
    ("pair", "before", "said"),
    [
        ("은/는", "삼", "은"),
        ("은/는", "이", "는"),
        ("으로/로", "서울", "로"),
        ("으로/로", "집", "으로"),
        ("으로/로", "나무", "로"),
        ("을/를", "길", "을"),
        ("이/", "친구", ""),
        ("이/", "학생", "이"),
        ("과/와", "", "와"),
    ],
)
def test_the_form_follows_the_last_sound(pair: str, before: str, said: str) -> None:
    assert agree(pair, before) == said
