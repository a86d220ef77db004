"""Engine `coqui`: native Glow-TTS and HiFi-GAN checkpoints, on PyTorch, CPU or CUDA."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import torch
from TTS.tts.configs.glow_tts_config import GlowTTSConfig
from TTS.tts.configs.shared_configs import CharactersConfig
from TTS.tts.models.glow_tts import GlowTTS
from TTS.tts.utils.helpers import sequence_mask
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from speech.settings import Settings
from speech.voices import Voice
from voice_model.pipeline import Encoded

UNSUPPORTED = ("use_d_vector_file", "use_phonemes", "add_blank", "enable_eos_bos_chars")
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
ROLES = ("acoustic_checkpoint", "acoustic_config", "vocoder_checkpoint", "vocoder_config")
OPTIONAL = ("speakers",)

log = logging.getLogger(__name__)


class CoquiNetworks:
    """The networks of one pair of native checkpoints; half-precision weights are widened on load."""

    def __init__(self, voice: Voice, device: str) -> None:
        self.device = torch.device(device)
        self.acoustic = load_acoustic(voice).to(self.device)
        self.vocoder = load_vocoder(voice).to(self.device)

    @torch.inference_mode()
    def encode(self, symbols: np.ndarray, speaker: int) -> Encoded:
        """See voice_model.pipeline.Networks."""
        ids = torch.from_numpy(symbols)[None].to(self.device)
        lengths = torch.tensor([ids.shape[1]], device=self.device)
        mean, log_std, log_frames, _ = self.acoustic.encoder(ids, lengths, g=self._speaker(speaker))
        return Encoded(_array(mean[0]), _array(log_std[0]), _array(log_frames[0, 0]))

    @torch.inference_mode()
    def decode(self, latent: np.ndarray, speaker: int) -> np.ndarray:
        """See voice_model.pipeline.Networks."""
        given = torch.from_numpy(latent)[None].to(self.device)
        lengths = torch.tensor([given.shape[2]], device=self.device)
        mask = sequence_mask(lengths, given.shape[2])[:, None].to(given.dtype)
        mel, _ = self.acoustic.decoder(given, mask, g=self._speaker(speaker), reverse=True)
        return _array(mel[0])

    @torch.inference_mode()
    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """See voice_model.pipeline.Networks."""
        return _array(self.vocoder(torch.from_numpy(mel)[None].to(self.device))[0, 0])

    def _speaker(self, speaker: int) -> torch.Tensor | None:
        if not self.acoustic.config.use_speaker_embedding:
            return None
        ids = torch.tensor([speaker], device=self.device)
        return self.acoustic._get_speaker_conditioning({"speaker_ids": ids}, "emb_g")


def open_networks(voice: Voice, settings: Settings) -> CoquiNetworks:
    """The voice's networks on the device of the settings, checksums verified first."""
    device = pick_device(settings.speech_device)
    if device == "cpu":
        torch.set_num_threads(settings.speech_threads)
    return CoquiNetworks(voice, device)


def pick_device(asked: str) -> str:
    """`auto` is CUDA where PyTorch sees a GPU. Raises ValueError for cuda where it does not."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if asked == "cuda" and not torch.cuda.is_available():
        raise ValueError("MOKSORI_SPEECH_DEVICE=cuda, but PyTorch sees no GPU here")
    return asked


def load_acoustic(voice: Voice) -> GlowTTS:
    """The voice's Glow-TTS, ready to speak. Raises ValueError for a config that this engine cannot follow."""
    given = _config(voice, "acoustic_config")
    for name in UNSUPPORTED:
        if given.get(name):
            raise ValueError(f"the config asks for {name}, which this engine does not do")
    characters = given.get("characters") or {}
    if characters.get("is_unique") and not characters.get("is_sorted"):
        log.warning("voice %s: its config fixes no order of symbols", voice.slug)
    model = GlowTTS(_architecture(given, voice))
    model.load_state_dict(_weights(voice.files["acoustic_checkpoint"].verified()))
    model.eval()
    model.decoder.store_inverse()
    return model


def _architecture(given: dict[str, Any], voice: Voice) -> GlowTTSConfig:
    """A fresh config with the network's shape out of `given`, and nothing else.

    The rest of a config makes coqui import classes and open paths and URLs of the config's choice.
    """
    config = GlowTTSConfig()
    config.from_dict({name: given[name] for name in SHAPE if name in given})
    config.text_cleaner = "no_cleaners"
    config.characters = CharactersConfig(
        characters_class="TTS.tts.utils.text.characters.Graphemes",
        characters="".join(voice.symbols),
        punctuations="",
        pad="",
        is_unique=False,
        is_sorted=False,
    )
    if speakers := voice.files.get("speakers"):
        config.speakers_file = str(speakers.verified())
    return config


def load_vocoder(voice: Voice) -> HifiganGenerator:
    """The voice's HiFi-GAN generator, its weight norms folded in."""
    config = _config(voice, "vocoder_config")
    generator = HifiganGenerator(
        in_channels=config["audio"]["num_mels"],
        out_channels=1,
        **config["generator_model_params"],
    )
    weights = _weights(voice.files["vocoder_checkpoint"].verified())
    generator.load_state_dict(
        {
            name.removeprefix("model_g."): tensor
            for name, tensor in weights.items()
            if not name.startswith("model_d.")
        }
    )
    generator.eval()
    generator.remove_weight_norm()
    return generator


def _config(voice: Voice, role: str) -> dict[str, Any]:
    return json.loads(voice.files[role].verified().read_text("utf-8"))


def _weights(path: Path) -> dict[str, torch.Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state["model"].items()
    }


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
