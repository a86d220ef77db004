"""The side of test_coqui.py that makes voices in the older layout, with weights of chance, and loads them.

Member 1 is sound; member 2's checkpoint is a pickle that would run code. Prints what happened as JSON.
"""

import json
import sys
from pathlib import Path
from typing import Any

import torch
from TTS.tts.configs.glow_tts_config import GlowTTSConfig
from TTS.tts.configs.shared_configs import CharactersConfig
from TTS.tts.models.glow_tts import GlowTTS
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from speech.settings import Settings
from speech.voices import read_voices
from voice_model import engines
from voice_model.pipeline import SpeakOptions

GENERATOR = {
    "upsample_factors": [8, 8, 2, 2],
    "upsample_kernel_sizes": [16, 16, 4, 4],
    "upsample_initial_channel": 16,
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3, 5]],
    "resblock_type": "1",
}


class Canary:
    """Unpickled, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def glow_config() -> GlowTTSConfig:
    """The smallest Glow-TTS."""
    characters = CharactersConfig(
        characters_class="TTS.tts.utils.text.characters.Graphemes",
        pad="_",
        eos="~",
        bos="^",
        characters="가나다",
        punctuations=" .",
        is_unique=False,
        is_sorted=False,
    )
    return GlowTTSConfig(
        characters=characters,
        text_cleaner="no_cleaners",
        hidden_channels_enc=16,
        hidden_channels_dec=16,
        hidden_channels_dp=16,
        num_flow_blocks_dec=2,
        num_block_layers=1,
        encoder_params={
            "kernel_size": 3,
            "dropout_p": 0.1,
            "num_layers": 1,
            "num_heads": 2,
            "hidden_channels_ffn": 16,
            "input_length": None,
        },
    )


def make(folder: Path, member: int, extra: dict[str, Any]) -> None:
    """One member's pair."""
    glow, hifigan = folder / "glow-tts" / f"{member}", folder / "hifigan-v2" / f"{member}"
    glow.mkdir(parents=True)
    hifigan.mkdir(parents=True)
    config = glow_config()
    weights = GlowTTS(config).state_dict()
    torch.save({"model": weights, **extra}, glow / f"{member}g_checkpoint_100.pth.tar")
    config.save_json(str(glow / f"{member}g_config.json"))
    generator = HifiganGenerator(in_channels=80, out_channels=1, **GENERATOR)
    state = {f"model_g.{name}": tensor for name, tensor in generator.state_dict().items()}
    torch.save({"model": state}, hifigan / f"{member}h_checkpoint_7.pth.tar")
    vocoder = {"audio": {"num_mels": 80}, "generator_model_params": GENERATOR}
    (hifigan / f"{member}h_config.json").write_text(json.dumps(vocoder), "utf-8")


def main(folder: Path) -> None:
    """Make both, load them, speak with the sound one."""
    torch.manual_seed(1)
    make(folder, 1, {})
    make(folder, 2, {"canary": Canary(folder / "canary")})
    voices = read_voices(folder)
    settings = Settings(speech_device="cpu")
    engine = engines.load(voices, settings)
    voice = voices.find(1)
    audio, frames = engine.synthesize([3, 4, 5, 7], voice, SpeakOptions())
    told = {"engine": engine.name, "broken": list(engine.broken), "frames": frames}
    told |= {"samples": len(audio.samples), "canary": (folder / "canary").exists()}
    print(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
