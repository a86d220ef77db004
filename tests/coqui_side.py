"""The side of test_coqui.py that runs in .venv-coqui: speaks each case of a JSON file, writes an .npz.

A case is {"member", "symbols", "noise_scale", "frames"}; frames of null leave the durations to the model.
"""

import json
import sys

import numpy as np
import torch

from speech.settings import Settings
from speech.voices import load_voices
from voice_model import engines
from voice_model.coqui import CoquiNetworks
from voice_model.pipeline import SpeakOptions, acoustic


def library(networks: CoquiNetworks, symbols: list[int], speaker: int) -> np.ndarray:
    """The mel (80, t) by coqui's own inference, noise scale 0: nothing of ours in between."""
    model = networks.acoustic
    model.inference_noise_scale = 0.0
    out = model.inference(
        torch.tensor([symbols]),
        {
            "x_lengths": torch.tensor([len(symbols)]),
            "speaker_ids": torch.tensor([speaker]),
            "d_vectors": None,
        },
    )
    return out["model_outputs"][0].T.numpy()


def main(cases_path: str, out_path: str) -> None:
    """Speak every case."""
    voices = load_voices(Settings())
    settings = Settings(speech_engine="coqui", speech_device="cpu")
    engine = engines.load(voices, settings)
    made: dict[str, np.ndarray] = {}
    for number, case in enumerate(json.load(open(cases_path, encoding="utf-8"))):
        voice = voices.find(case["member"])
        networks = engine.networks[voice.model]
        forced = tuple(case["frames"]) if case["frames"] else None
        options = SpeakOptions(noise_scale=case["noise_scale"], frames=forced)
        mel, frames = acoustic(networks, case["symbols"], voice, options)
        audio, _ = engine.synthesize(case["symbols"], voice, options)
        made |= {f"mel{number}": mel, f"frames{number}": np.array(frames)}
        made[f"samples{number}"] = audio.samples
        if not forced and case["noise_scale"] == 0:
            made[f"library{number}"] = library(networks, case["symbols"], voice.speaker_id or 0)
    np.savez(out_path, **made)


if __name__ == "__main__":
    main(*sys.argv[1:])
