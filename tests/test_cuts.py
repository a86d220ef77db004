from itertools import pairwise

import numpy as np
import pytest

from tests.hearing_fixtures import RATE, melody
from worker.cuts import cut


def decoded(path, sound):
    path.write_bytes(sound.astype(np.int16).tobytes())
    return path


def test_a_short_recording_stays_whole(tmp_path):
    path = decoded(tmp_path / "a", melody([400] * 6))
    assert cut(path, 9 * RATE, 6.0) == [(0, 9 * RATE)]


@pytest.mark.parametrize("seconds", [9.1, 12, 31, 100])
def test_the_parts_cover_everything_once_and_are_about_as_long_as_asked(tmp_path, seconds):
    total = round(seconds * RATE)
    noise = np.random.default_rng(5).integers(-9000, 9000, total)
    spans = cut(decoded(tmp_path / "a", noise), total, 6.0)
    assert spans[0][0] == 0
    assert spans[-1][1] == total
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert all(1.4 * RATE < end - start < 9.1 * RATE for start, end in spans)


def test_the_last_parts_are_short_so_that_nobody_waits_long_for_them(tmp_path):
    path = decoded(tmp_path / "a", np.full(120 * RATE, 500))
    lengths = [round((end - start) / RATE) for start, end in cut(path, 60 * RATE, 10.0)]
    assert lengths == pytest.approx([10, 10, 10, 10, 5, 5, 5, 5], abs=3)
    assert len(cut(path, 20 * RATE, 10.0)) == 2
    assert len(cut(path, 30 * RATE, 10.0)) == 4
    assert len(cut(path, 120 * RATE, 10.0)) == 16


def test_long_parts_end_in_ever_shorter_ones_but_in_none_that_costs_words(tmp_path):
    path = decoded(tmp_path / "a", np.full(1_800 * RATE, 500))

    def lengths(seconds, aim):
        spans = cut(path, seconds * RATE, aim)
        return [round((end - start) / RATE) for start, end in spans]

    assert lengths(1_800, 300.0) == pytest.approx([300] * 4 + [150] * 2 + [75] * 4, abs=12)
    assert lengths(1_320, 220.0) == pytest.approx([220] * 4 + [110] * 4, abs=12)  # not 55


def test_a_cut_falls_into_the_pause_near_the_even_place(tmp_path):
    rng = np.random.default_rng(5)
    sound = rng.integers(-9000, 9000, 60 * RATE)
    sound[27 * RATE : round(27.4 * RATE)] //= 100  # a pause three seconds before the middle
    (_, middle), _ = cut(decoded(tmp_path / "a", sound), len(sound), 30.0)
    assert 27 * RATE < middle < 27.4 * RATE


def test_a_recording_without_any_pause_is_cut_all_the_same(tmp_path):
    spans = cut(decoded(tmp_path / "a", np.full(20 * RATE, 500)), 20 * RATE, 10.0)
    assert len(spans) == 2
