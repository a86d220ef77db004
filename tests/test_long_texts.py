"""Long texts: the first sentence soon, and memory and time in bounds, whatever the length."""

import pytest

from bench.long_texts import FEW, first, measured

LONG = 100_000  # characters, the most that a job takes


@pytest.mark.models
@pytest.mark.slow
def test_the_first_of_ten_sentences_is_heard_within_a_sixth_of_the_time() -> None:
    assert first() < 1 / 6


@pytest.mark.slow
def test_a_long_text_takes_little_more_memory_than_a_short_one_and_time_by_its_length() -> None:
    short, long = measured(FEW, still=True), measured(LONG, still=True)
    assert long["sound"] > 90 * short["sound"]
    assert long["peak"] < 1.2 * short["peak"]
    assert long["cpu"] / LONG < 1.5 * short["cpu"] / FEW
