"""How far trained networks are from recordings that they did not learn from."""

from collections.abc import Sequence

import numpy as np
import torch

from voice_model.pipeline import durations
from voice_model.train_data import Example, collate
from voice_model.train_glow import GuidedGlow


@torch.no_grad()
def evaluate(
    acoustic: GuidedGlow, vocoder: torch.nn.Module, held: Sequence[Example]
) -> dict[str, float]:
    """Means over recordings: mel distances (of a span of 8), frames a symbol is off, pace by the recording's.

    `mel` is of the mel decoded under the alignment, `pace` is 1 where predicted and recorded sentences are as long.
    The error rate of a recogniser is bench.voices' to tell.
    """
    seen = [_one(acoustic, each) for each in held]
    told = {name: float(np.mean([each[name] for each in seen])) for name in seen[0]}
    return told | {"vocoder": float(np.mean([_copied(vocoder, each) for each in held]))}


def _one(acoustic: GuidedGlow, each: Example) -> dict[str, float]:
    seen = acoustic.see(collate([each]))
    apart = (acoustic.decoded(seen) - seen["mel"]).abs().mean()
    aligned = seen["path"][0].sum(1).numpy()
    told = np.array(durations(seen["log_frames"][0, 0].numpy(), 1.0))
    return {
        "mel": float(apart),
        "frames": float(np.abs(told - aligned).mean()),
        "pace": float(aligned.sum() / told.sum()),
    }


def _copied(vocoder: torch.nn.Module, each: Example) -> float:
    """How far the vocoder's sound of a recording's mel is from it: L1 of log spectra, nepers."""
    samples = vocoder(torch.from_numpy(each.mel)[None])[0, 0].numpy()
    length = min(len(samples), len(each.samples))
    ours, theirs = (_spectrum(sound[:length]) for sound in (samples, each.samples))
    return float(np.abs(ours - theirs).mean())


def _spectrum(samples: np.ndarray) -> np.ndarray:
    window = torch.hann_window(1024)
    found = torch.stft(torch.from_numpy(samples.copy()), 1024, window=window, return_complex=True)
    return found.abs().clamp_min(1e-4).log().numpy()
