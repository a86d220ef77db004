"""From one config's scale of mels to another's."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from speech.voices import VoiceFile
from voice_model.mel_scale import Scale, read_scale, read_stats, rescale

RANGE = {"signal_norm": True, "min_level_db": -100, "ref_level_db": 20, "max_norm": 4.0}
SYMMETRIC = {**RANGE, "symmetric_norm": True, "clip_norm": True}
STATS = Path(__file__).parent / "data" / "older" / "glow-tts" / "2" / "scale_stats.npy"


def test_a_range_puts_its_ends_and_its_middle_where_coqui_does() -> None:
    plain = read_scale({"signal_norm": False}, None)
    decibels = np.array([[-80.0, -30.0, 20.0, 60.0]])
    symmetric = rescale(decibels, plain, read_scale(SYMMETRIC, None))
    assert np.allclose(symmetric, [[-4, 0, 4, 4]], atol=1e-6)
    half = {**SYMMETRIC, "symmetric_norm": False, "max_norm": 1.0}
    assert rescale(decibels, plain, read_scale(half, None)).tolist() == [[0, 0.5, 1, 1]]
    assert rescale(decibels, plain, read_scale({**half, "clip_norm": False}, None))[0, 3] > 1


def test_means_and_deviations_go_there_and_back() -> None:
    audio = {**SYMMETRIC, "stats_path": "/home/someone/scale_stats.npy"}
    stats, reach = (
        read_scale(audio, VoiceFile(STATS)),
        read_scale({**RANGE, "clip_norm": False}, None),
    )
    mel = np.random.default_rng(1).normal(size=(20, 7)).astype(np.float32)
    there = rescale(mel, stats, reach)
    assert not np.allclose(there, mel, atol=0.5)
    assert np.allclose(rescale(there, reach, stats), mel, atol=1e-4)


def test_scales_are_the_same_when_they_give_the_same_numbers() -> None:
    assert read_scale(SYMMETRIC, None).same(read_scale({**SYMMETRIC, "power": 1.1}, None))
    assert not read_scale(SYMMETRIC, None).same(read_scale({**SYMMETRIC, "max_norm": 1.0}, None))
    assert not Scale().same(Scale(np.ones((20, 1)), np.zeros((20, 1))))


@pytest.mark.parametrize(
    "stats",
    [
        {"mel_mean": np.zeros(20)},
        {"mel_mean": np.zeros(20), "mel_std": np.zeros(20)},
        {"mel_mean": np.zeros(20), "mel_std": np.ones(3)},
        {"mel_mean": Path("x"), "mel_std": np.ones(3)},
        [1, 2],
    ],
)
def test_a_file_of_something_else_is_named(tmp_path: Path, stats: Any) -> None:
    path = tmp_path / "scale_stats.npy"
    np.save(path, np.array(stats, object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"scale_stats\.npy"):
        read_stats(path)


def test_a_bare_pickle_and_a_large_file_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "scale_stats.npy"
    path.write_bytes(pickle.dumps({"mel_mean": 1}))
    with pytest.raises(ValueError, match="holds no means"):
        read_stats(path)
    path.write_bytes(bytes(2_000_000))
    with pytest.raises(ValueError, match="larger"):
        read_stats(path)
