"""Engine `onnx`: the same voices exported (voice_model/export.py), on ONNX Runtime, without PyTorch."""

from pathlib import Path

import numpy as np
import onnxruntime

from speech.settings import Settings
from speech.voices import Voice
from voice_model.pipeline import Encoded

ROLES = ("encoder", "decoder", "vocoder")


class OnnxNetworks:
    """The three graphs of one model."""

    def __init__(self, encoder: Path, decoder: Path, vocoder: Path, threads: int) -> None:
        self._encoder = _session(encoder, threads)
        self._decoder = _session(decoder, threads)
        self._vocoder = _session(vocoder, threads)

    def encode(self, symbols: np.ndarray, speaker: int) -> Encoded:
        """See voice_model.pipeline.Networks."""
        mean, log_std, log_frames = self._encoder.run(
            ["mean", "log_std", "log_frames"],
            {
                "symbols": symbols[None],
                "lengths": np.array([len(symbols)], np.int64),
                "speaker": np.array([speaker], np.int64),
            },
        )
        return Encoded(mean[0], log_std[0], log_frames[0])

    def decode(self, latent: np.ndarray, speaker: int) -> np.ndarray:
        """See voice_model.pipeline.Networks."""
        mask = np.ones((1, 1, latent.shape[1]), np.float32)
        given = {"latent": latent[None], "mask": mask, "speaker": np.array([speaker], np.int64)}
        return self._decoder.run(["mel"], given)[0][0]

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """See voice_model.pipeline.Networks."""
        return self._vocoder.run(["samples"], {"mel": mel[None]})[0][0]


def open_networks(voice: Voice, settings: Settings) -> OnnxNetworks:
    """The voice's graphs on the CPU, checksums verified first."""
    if settings.speech_device == "cuda":
        raise ValueError("the onnx engine runs on the CPU; use MOKSORI_SPEECH_ENGINE=coqui on CUDA")
    encoder, decoder, vocoder = (voice.files[role].verified() for role in ROLES)
    return OnnxNetworks(encoder, decoder, vocoder, settings.speech_threads)


def _session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Sentences differ in length: a pattern for each would keep that sentence's peak for ever.
    options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
