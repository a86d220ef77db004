"""Engine `coqui`: native Glow-TTS and HiFi-GAN checkpoints, on PyTorch, CPU or CUDA."""

from pathlib import Path

import numpy as np
import torch
from TTS.tts.models.glow_tts import GlowTTS
from TTS.tts.utils.helpers import sequence_mask
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from speech.settings import Settings
from speech.voices import Voice
from voice_model.coqui_config import architecture, read_config
from voice_model.mel_scale import Scale, read_scale, rescale
from voice_model.pipeline import Encoded

ROLES = ("acoustic_checkpoint", "acoustic_config", "vocoder_checkpoint", "vocoder_config")
HALVES = ("acoustic", "vocoder")
OPTIONAL = ("speakers", "acoustic_stats", "vocoder_stats")


class CoquiNetworks:
    """The networks of one pair of native checkpoints; half-precision weights are widened on load."""

    def __init__(self, voice: Voice, device: str) -> None:
        self.device = torch.device(device)
        self.acoustic = load_acoustic(voice).to(self.device)
        self.vocoder = load_vocoder(voice).to(self.device)
        self.scales = mel_scales(voice)

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
        mel = rescale(mel, *self.scales) if self.scales else mel
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
    model = GlowTTS(architecture(read_config(voice, "acoustic_config"), voice))
    model.load_state_dict(read_weights(voice.files["acoustic_checkpoint"].verified()))
    model.eval()
    model.decoder.store_inverse()
    return model


def load_vocoder(voice: Voice, folded: bool = True) -> HifiganGenerator:
    """The voice's HiFi-GAN generator; its weight norms are folded in, or left for training."""
    config = read_config(voice, "vocoder_config")
    generator = HifiganGenerator(
        in_channels=config["audio"]["num_mels"],
        out_channels=1,
        **config["generator_model_params"],
    )
    weights = read_weights(voice.files["vocoder_checkpoint"].verified())
    generator.load_state_dict(
        {
            name.removeprefix("model_g."): tensor
            for name, tensor in weights.items()
            if not name.startswith("model_d.")
        }
    )
    if folded:
        generator.remove_weight_norm()
    return generator.eval()


def mel_scales(voice: Voice) -> tuple[Scale, Scale] | None:
    """The scales of both networks' mels where they differ. Raises ValueError when their sample rates do."""
    given, wanted = (read_config(voice, f"{half}_config")["audio"] for half in HALVES)
    if given["sample_rate"] != wanted["sample_rate"]:
        raise ValueError("the configs of the two networks name different sample rates")
    scales = [
        read_scale(audio, voice.files.get(f"{half}_stats"))
        for half, audio in zip(HALVES, (given, wanted), strict=True)
    ]
    return None if scales[0].same(scales[1]) else (scales[0], scales[1])


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's weights in single precision; nothing in it is run."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in state["model"].items()
    }


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()
