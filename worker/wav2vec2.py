"""Aligner `wav2vec2`: a CTC model of Hugging Face's transformers, from a folder or by its hub name."""

from typing import Any

import numpy as np

from speech.errors import Unavailable
from speech.media import RATE

NEEDED = "torch transformers"


class Wav2Vec2:
    """A loaded model; see worker/aligners.py for what it is asked."""

    def __init__(self, model: Any, processor: Any, name: str) -> None:
        self._model, self._processor, self._name = model, processor, name
        self.vocabulary: dict[str, int] = processor.tokenizer.get_vocab()
        self.blank: int = processor.tokenizer.pad_token_id  # CTC's blank, in these models
        stride = int(np.prod(model.config.conv_stride))
        self.frame = stride / RATE  # seconds

    @classmethod
    def load(cls, name: str) -> "Wav2Vec2":
        """The model in a folder, or of that name on the hub. Raises Unavailable("aligner_not_installed")."""
        try:
            from transformers import AutoModelForCTC, AutoProcessor
        except ImportError as error:
            raise Unavailable("aligner_not_installed", packages=NEEDED) from error
        model = AutoModelForCTC.from_pretrained(name)
        return cls(model.eval(), AutoProcessor.from_pretrained(name), name)

    def log_probs(self, samples: np.ndarray) -> np.ndarray:
        """Log probabilities of `samples` (float32, 16 kHz): shape (frames, vocabulary)."""
        import torch

        values = self._processor(samples, sampling_rate=RATE, return_tensors="pt").input_values
        with torch.inference_mode():
            logits = self._model(values).logits[0]
        return torch.log_softmax(logits, dim=-1).numpy()

    def describe(self) -> dict[str, Any]:
        """What runs here."""
        return {"name": "wav2vec2", "model": self._name}
