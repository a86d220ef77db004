"""Other ways to run the vocoder, against the graph that ships: one thread, processor time, paired in turn.

    .venv-coqui/bin/python -m bench.vocoder [--pairs 10] [--compile]

400 frames of noise as a mel, with weights by chance: time hangs on neither. ONNX Runtime is taken from `.venv`.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from TTS.vocoder.models.hifigan_generator import HifiganGenerator

from voice_model.wide import widen

ROOT = Path(__file__).resolve().parents[1]
sys.path += map(str, ROOT.glob(".venv/lib/python3*/site-packages"))

import onnxruntime  # noqa: E402 — found there

SHIPPED = ROOT / "voice_model" / "shipped"
FRAMES = 400
BANDS = 4  # samples that the last two upsamplings make of one
SPECTRUM = 16  # samples of a head's short spectra
Run = Callable[[], Any]


def main() -> None:
    """Print how many times as fast as the shipped graph each way is: median, least, most."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument(
        "--compile", action="store_true", help="torch.compile too, which needs a compiler"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    mel = torch.randn(1, 80, FRAMES, generator=torch.Generator().manual_seed(0)) - 1
    shipped = graph(mel)
    print("| vocoder | times as fast |\n|---|---|")
    with torch.inference_mode():
        for name, run in (*graphs(mel), *networks(mel, asked.compile)):
            run(), run()
            ratios = [seconds(shipped) / seconds(run) for _ in range(asked.pairs)]
            print(
                f"| {name} | {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f}) |",
                flush=True,
            )


def seconds(run: Run) -> float:
    """Processor time."""
    began = time.process_time()
    run()
    return time.process_time() - began


def graph(mel: torch.Tensor, pieces: int = 1, **settings: str) -> Run:
    """The shipped graph, the mel in so many pieces."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_mem_pattern = False
    for name, value in settings.items():
        options.add_session_config_entry(f"session.{name}", value)
    path, providers = SHIPPED / "onnx" / "vocoder.onnx", ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(path, options, providers=providers)
    given = [piece.contiguous().numpy() for piece in mel.chunk(pieces, 2)]
    return lambda: [session.run(["samples"], {"mel": piece}) for piece in given]


def graphs(mel: torch.Tensor) -> Iterator[tuple[str, Run]]:
    """Other ways to run the graph."""
    for pieces in (16, 8, 4, 2):
        yield f"in pieces of {FRAMES // pieces} frames", graph(mel, pieces)
    yield "denormal numbers as zero", graph(mel, set_denormal_as_zero="1")


def networks(mel: torch.Tensor, compiled: bool) -> Iterator[tuple[str, Run]]:
    """PyTorch, in two precisions and layouts."""
    whole, half = generator(), generator().bfloat16()
    pieces = [piece.contiguous() for piece in mel.chunk(4, 2)]
    batch, short = torch.cat(pieces), mel.bfloat16()
    yield "PyTorch", lambda: whole(mel)
    yield "PyTorch, four pieces of 100", lambda: [whole(piece) for piece in pieces]
    yield "PyTorch, the four as a batch", lambda: whole(batch)
    wide, both = (
        widen(generator()),
        widen(generator()).bfloat16().to(memory_format=torch.channels_last),
    )
    yield "PyTorch, images of height 1", lambda: wide(mel)
    yield "PyTorch in bfloat16", lambda: half(short)
    yield "PyTorch in bfloat16, images of height 1, channels last", lambda: both(short)
    spectral, banded = generator(rises=2, channels=SPECTRUM + 2), generator(rises=2, channels=BANDS)
    yield "PyTorch, an iSTFT head by chance", lambda: from_spectra(spectral(mel))
    yield "PyTorch, a head of four bands by chance", lambda: from_bands(banded(mel))
    if compiled:
        quick, quick_half = (
            torch.compile(each, dynamic=False) for each in (generator(), generator().bfloat16())
        )
        yield "PyTorch compiled for this length", lambda: quick(mel)
        yield "PyTorch compiled for this length, bfloat16", lambda: quick_half(short)


def from_spectra(told: torch.Tensor) -> torch.Tensor:
    """Magnitudes and phases (b, 18, t) to samples, as iSTFTNet's C8C8I: https://arxiv.org/abs/2203.02395."""
    size, phase = told.chunk(2, 1)
    spectra = torch.polar(size.exp(), torch.pi * phase.sin())
    return torch.istft(spectra, SPECTRUM, BANDS, window=torch.hann_window(SPECTRUM))


def from_bands(told: torch.Tensor) -> torch.Tensor:
    """Four bands (b, 4, t) to samples by a filter of 63 taps, as Multi-band MelGAN: https://arxiv.org/abs/2005.05106."""
    return F.conv_transpose1d(told, torch.ones(BANDS, 1, 63), stride=BANDS, padding=30)


def generator(rises: int = 4, channels: int = 1) -> Any:
    """HiFi-GAN of the shipped size, weight norms folded in; or its first upsamplings, ending in other channels."""
    told = json.loads((SHIPPED / "hifigan" / "config.json").read_text("utf-8"))[
        "generator_model_params"
    ]
    made = HifiganGenerator(
        80, channels, told["resblock_type"], told["resblock_dilation_sizes"], told["resblock_kernel_sizes"],
        told["upsample_kernel_sizes"][:rises], told["upsample_initial_channel"], told["upsample_factors"][:rises],
        inference_padding=0,
    )  # fmt: skip
    made.remove_weight_norm()
    return made.eval()


if __name__ == "__main__":
    main()
