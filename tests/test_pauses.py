"""Silence within a sentence: where it goes, and what it does to the times."""

import numpy as np

from worker.pauses import Pauses

RATE = 1_000


def sound(*levels: float) -> np.ndarray:
    return np.array(levels, np.float32)


def test_silence_goes_to_the_quietest_sample_of_a_comma() -> None:
    samples = sound(1, 1, 1, 0.5, 0.1, 0.5, 1, 1, 1)
    edges = np.array([0, 3, 6, 9])
    longer, moved = Pauses(comma=2).within(samples, edges, ["가", ",", "나"], RATE, 1.0)
    assert longer.tolist() == sound(1, 1, 1, 0.5, 0, 0, 0.1, 0.5, 1, 1, 1).tolist()
    assert moved.tolist() == [0, 3, 8, 11]
    assert Pauses(comma=2).at_commas(["가", ",", "나"], RATE, 1.0) == 2


def test_every_symbol_behind_a_comma_moves_by_all_the_commas_before_it() -> None:
    samples, edges = np.ones(6, np.float32), np.arange(7)
    spelled = ["가", ",", "나", ",", "다", "."]
    longer, moved = Pauses(comma=10).within(samples, edges, spelled, RATE, 2.0)
    assert len(longer) == 6 + 2 * 5
    assert moved.tolist() == [0, 1, 7, 8, 14, 15, 16]


def test_a_comma_at_the_end_and_no_pause_change_nothing() -> None:
    samples, edges = np.ones(3, np.float32), np.arange(3)
    for pauses, spelled in ((Pauses(comma=9), ["가", ","]), (Pauses(), [",", "가"])):
        longer, moved = pauses.within(samples, edges, spelled, RATE, 1.0)
        assert longer is samples and moved is edges


def test_a_comma_behind_the_last_sample_is_quiet_too() -> None:
    longer, _ = Pauses(comma=3).within(
        np.ones(2, np.float32), np.array([0, 2, 2, 4]), ["가", ",", "나"], RATE, 1.0
    )
    assert longer.tolist() == [1, 1, 0, 0, 0]
