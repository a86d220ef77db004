"""The side of test_coqui.py that widens the shipped networks: how far each moves, as JSON."""

import copy
import json

import torch

from speech.voices import SHIPPED, read_voices
from voice_model.coqui import load_acoustic, load_vocoder
from voice_model.export import Decoder, Encoder, Vocoder
from voice_model.wide import Wide, widen


def main() -> None:
    """Each network before and after, on the same input."""
    torch.manual_seed(1)
    voice = next(iter(read_voices(SHIPPED)))
    model, speaker = load_acoustic(voice), torch.tensor([2])
    mel = torch.randn(1, 80, 60)
    cases = {
        "encoder": (Encoder(model), (torch.arange(1, 41)[None], torch.tensor([40]), speaker)),
        "decoder": (Decoder(model), (mel, torch.ones(1, 1, 60), speaker)),
        "vocoder": (Vocoder(load_vocoder(voice)), (mel,)),
    }
    told = {name: compare(network, given) for name, (network, given) in cases.items()}
    print(json.dumps(told))


@torch.no_grad()
def compare(network: torch.nn.Module, given: tuple) -> dict[str, float]:
    """The largest difference of any output, and how many convolutions were replaced."""
    wide = widen(copy.deepcopy(network))
    before, after = network(*given), wide(*given)
    pairs = zip(before, after, strict=True) if isinstance(before, tuple) else [(before, after)]
    replaced = sum(isinstance(each, Wide) for each in wide.modules())
    return {"apart": max(float((a - b).abs().max()) for a, b in pairs), "replaced": replaced}


if __name__ == "__main__":
    main()
