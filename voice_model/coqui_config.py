"""Configs of coqui's checkpoints, of old releases and new, read as a stranger's files.

A config is taken for the shape of its network and the scale of its mels. Handed to coqui whole, it would
make coqui import classes and open paths and URLs of the config's choice.
"""

import logging
from typing import Any

from TTS.tts.configs.glow_tts_config import GlowTTSConfig
from TTS.tts.configs.shared_configs import CharactersConfig

from speech.voice_folders import parse_config
from speech.voices import Voice

LARGEST = 1_048_576  # bytes
UNSUPPORTED = (
    "use_d_vector_file",
    "use_external_speaker_embedding_file",
    "use_phonemes",
    "enable_eos_bos_chars",
)
UNNAMED = "\ue000"  # stands for a blank that is no symbol: only the number of them counts
SHAPE = (
    "use_encoder_prenet",
    "hidden_channels_enc",
    "hidden_channels_dec",
    "hidden_channels_dp",
    "mean_only",
    "out_channels",
    "num_flow_blocks_dec",
    "kernel_size_dec",
    "dilation_rate",
    "num_block_layers",
    "c_in_channels",
    "num_splits",
    "num_squeeze",
    "sigmoid_scale",
    "encoder_type",
    "encoder_params",
    "use_speaker_embedding",
)
RENAMED = {  # as releases up to 0.0.15 call them
    "hidden_channels_encoder": "hidden_channels_enc",
    "hidden_channels_decoder": "hidden_channels_dec",
    "hidden_channels_duration_predictor": "hidden_channels_dp",
}
STATS = {"acoustic_config": "acoustic_stats", "vocoder_config": "vocoder_stats"}
FOLLOWED = {"speakers_file": "speakers", "d_vector_file": "", "language_ids_file": ""}

log = logging.getLogger(__name__)


def read_config(voice: Voice, role: str) -> dict[str, Any]:
    """The config of a role, its checksum verified first.

    Raises ValueError for one that is no JSON object, or names a URL or a path outside the voice's folder
    where coqui would open a file.
    """
    path = voice.files[role].verified()
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path.name} is larger than {LARGEST} bytes")
    given = parse_config(path.read_text("utf-8"), path.name)
    followed = {name: (given.get(name), place) for name, place in FOLLOWED.items()}
    followed["audio.stats_path"] = ((given.get("audio") or {}).get("stats_path"), STATS[role])
    for name, (value, place) in followed.items():
        if value:
            _refuse_outside(f"{path.name}: {name}", str(value), beside=place in voice.files)
    return given


def _refuse_outside(name: str, value: str, beside: bool) -> None:
    """Only the last part of a path counts: training leaves the absolute ones of its own machine."""
    if "://" in value:
        raise ValueError(f"{name} is a URL, {value[:80]}; put the file beside the config")
    if ".." in value.replace("\\", "/").split("/") or not beside:
        raise ValueError(
            f"{name} names {value[:80]}, which is not in the voice's folder; put the file there"
        )


def architecture(given: dict[str, Any], voice: Voice) -> GlowTTSConfig:
    """A fresh config with the network's shape out of `given`, the voice's symbols, and nothing else.

    Raises ValueError for a config that this engine cannot follow.
    """
    for name in UNSUPPORTED:
        if given.get(name):
            raise ValueError(f"the config asks for {name}, which this engine does not do")
    characters = given.get("characters") or {}
    if characters.get("is_unique") and not characters.get("is_sorted"):
        log.warning("voice %s: its config fixes no order of symbols", voice.slug)
    config = GlowTTSConfig()
    config.from_dict(shape(given))
    config.text_cleaner = "no_cleaners"
    config.characters = CharactersConfig(
        characters_class="TTS.tts.utils.text.characters.Graphemes",
        characters="".join(voice.symbols) + (UNNAMED if voice.blank == len(voice.symbols) else ""),
        punctuations="",
        pad="",
        is_unique=False,
        is_sorted=False,
    )
    if speakers := voice.files.get("speakers"):
        config.speakers_file = str(speakers.verified())
    return config


def shape(given: dict[str, Any]) -> dict[str, Any]:
    """The fields that shape a Glow-TTS, under today's names."""
    named = {RENAMED.get(name, name): value for name, value in given.items()}
    mels = (given.get("audio") or {}).get("num_mels")
    if mels and "out_channels" not in named:
        named["out_channels"] = mels
    return {name: named[name] for name in SHAPE if name in named}
