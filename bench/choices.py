"""What the engine's own choices cost: texts drawn where a window fails (in loud noise), windows decoded at once, and
how often speech without a word is heard again.

    python -m bench.choices FOLDER [--minutes 13.8] [--noise 2000] [--only long_]

FOLDER is that of bench.hearing. The talk in noise (RMS of 32,768) is heard in pieces of 30 s, the clean one whole.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from bench.hearing import our_arm, talk_of
from bench.seams import errors, plain
from speech.media import RATE
from speech.settings import Settings
from speech.transcript import Transcript
from worker import coverage, whisper_windows
from worker.engines import TranscribeOptions
from worker.listen import listen, merge
from worker.whisper import Whisper

PIECE = 30 * RATE


def main() -> None:
    """Print a row for each choice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=13.8)
    parser.add_argument("--noise", type=float, default=2000)
    parser.add_argument("--only", default="long_")
    asked = parser.parse_args()
    engine = Whisper.load(Settings(whisper_threads=2, whisper_device="cpu"))
    print("| choice | CPU s | words wrong |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        clean, text, language = talk_of(asked, Path(folder))
        noisy, said = in_noise(clean, asked.noise), plain(text)
        for drawn in (whisper_windows.DRAWN, 2, 5):
            began = time.process_time()
            with mock.patch.object(whisper_windows, "DRAWN", drawn):
                heard = merge(list(in_pieces(engine, noisy, language)))
            told(f"in noise, {drawn} drawn", said, heard, began)
        for batch in (engine.batch, 2 * engine.batch):
            engine.batch, began = batch, time.process_time()
            told(f"{batch} windows at once", said, our_arm(engine)(clean, language), began)
        engine.batch //= 2
        for times in range(coverage.TIMES + 1):
            began = time.process_time()
            with mock.patch.object(coverage, "TIMES", times):
                heard = our_arm(engine)(clean, language)
            told(f"heard again {times} times at most", said, heard, began)


def told(choice: str, said: list[str], heard: Transcript, began: float) -> None:
    """One line of the table."""
    used = time.process_time() - began
    print(f"| {choice} | {used:.0f} | {errors(said, heard).mean():.1%} |", flush=True)


def in_noise(clean: Path, level: float) -> Path:
    """The decoded file with white noise."""
    sound = np.fromfile(clean, np.int16) + np.random.default_rng(0).normal(
        0, level, clean.stat().st_size // 2
    )
    noisy = clean.with_name("noisy")
    np.clip(sound, -32_768, 32_767).astype(np.int16).tofile(noisy)
    return noisy


def in_pieces(engine: Whisper, path: Path, language: str) -> Iterator[tuple[float, Transcript]]:
    """Each piece by itself, with its start in seconds."""
    total = path.stat().st_size // 2
    for start in range(0, total, PIECE):
        span = (start, min(start + PIECE, total))
        yield start / RATE, listen(engine, path, span, TranscribeOptions(language=language))


if __name__ == "__main__":
    main()
