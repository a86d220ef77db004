"""The side of test_coqui.py that loads a folder of the older layout and speaks with its sound members.

`python -m tests.coqui_older FOLDER` prints as JSON, by member: what is wrong with it, or how far it is from what the
old release made of the same symbols (heard{member}.npz of tests/make_older.py).
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from speech.settings import Settings
from speech.voices import Voice, read_voices
from voice_model import engines
from voice_model.mel_scale import rescale
from voice_model.pipeline import SpeakOptions, acoustic


def compare(engine: engines.Engine, voice: Voice, heard: Any) -> dict[str, float]:
    """Largest differences of frames, mel, scaled mel and samples; how loud and how long the sound is."""
    networks = engine.networks[voice.model]
    symbols = [int(symbol) for symbol in heard["symbols"]]
    _, free = acoustic(networks, symbols, voice, SpeakOptions(noise_scale=0.0))
    theirs = heard["frames"].copy()
    theirs[-1] -= theirs.sum() % 2  # of an odd sum it drops one frame; we would add one
    options = SpeakOptions(noise_scale=0.0, frames=tuple(int(count) for count in theirs))
    mel, _ = acoustic(networks, symbols, voice, options)
    audio, _ = engine.synthesize(symbols, voice, options)
    scaled = rescale(mel, *networks.scales) if networks.scales else mel
    return {
        "frames": _furthest(np.array(free), heard["frames"]),
        "mel": _furthest(mel, heard["mel"]),
        "scaled": _furthest(scaled, heard["scaled"]),
        "samples": _furthest(audio.samples, np.clip(heard["samples"], -1.0, 1.0)),
        "loud": float(np.abs(audio.samples).max()),
        "long": len(audio.samples),
    }


def _furthest(ours: np.ndarray, theirs: np.ndarray) -> float:
    if ours.shape != theirs.shape:
        raise ValueError(f"{ours.shape} is not {theirs.shape}")
    return float(np.abs(ours - theirs).max())


def main(folder: Path) -> None:
    """Load, speak, tell."""
    voices = read_voices(folder)
    engine = engines.load(voices, Settings(speech_device="cpu"))
    told: dict[str, Any] = {"engine": engine.name, "broken": engine.broken}
    for voice in voices:
        if voice.member not in engine.broken:
            with np.load(folder / f"heard{voice.member}.npz") as heard:
                told[str(voice.member)] = compare(engine, voice, heard)
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
