"""Transcription through API, queue and storage against the engine called directly, on the same 5-minute file.

    make bench-transcription

The file is spoken by the five members. Both arms decode the same audio with the same weights, threads and options,
in turn, in one run; the figure is the median of the paired ratios. Goal: at most 3 % more wall time.
"""

import argparse
import itertools
import statistics
import tempfile
from pathlib import Path
from typing import Any

import requests

from bench.service import MODES, served
from bench.speech import SENTENCES, timed
from speech.encode import encode
from speech.media import MediaLimits, decode
from speech.settings import Settings
from worker.engines import TranscribeOptions
from worker.listen import listen
from worker.speaker import Request, load_speech_models
from worker.whisper import Whisper

MINUTES = 5.0


def main() -> None:
    """Measure both modes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "lecture.wav"
        seconds = write_lecture(wav, asked.minutes * 60)
        alone = direct_arm(asked.threads)
        print(
            "| mode | audio, s | pairs | direct, s | service, s | ratio, median | least | most | goal |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for mode in MODES:
            with served(mode, whisper_threads=asked.threads) as service:
                compare(mode, service.base, alone, wav, seconds, asked.pairs)


def compare(mode: str, base: str, alone: Any, wav: Path, seconds: float, pairs: int) -> None:
    """Print one row; the first pair warms up and does not count."""
    direct, whole, ratios = [], [], []
    for turn in range(pairs + 1):
        one, other = timed(alone, wav) / 1000, timed(through, base, wav) / 1000
        if turn:
            direct.append(one)
            whole.append(other)
            ratios.append(other / one)
    middle = f"{statistics.median(direct):.2f} | {statistics.median(whole):.2f}"
    spread = f"{statistics.median(ratios):.3f} | {min(ratios):.3f} | {max(ratios):.3f}"
    print(f"| {mode} | {seconds:.0f} | {pairs} | {middle} | {spread} | 1.03 |")


def write_lecture(path: Path, seconds: float) -> float:
    """A talk of the five members in turn; its real length in seconds."""
    speaker = load_speech_models(Settings())
    length = 0.0
    chunks = []
    for place, sentence in zip(itertools.count(), itertools.cycle(SENTENCES)):
        if length >= seconds:
            break
        request = Request(speaker.voices.find(str(place % 5 + 1)))
        for said in speaker.say([sentence], request):
            chunks.append(said.samples)
            length += len(said.samples) / request.voice.rate
    encode(chunks, request.voice.rate, "wav", path)
    return length


def direct_arm(threads: int) -> Any:
    """The engine in this process: the file decoded and heard as a job does it."""
    engine = Whisper.load(Settings(whisper_threads=threads))

    def transcribe(wav: Path) -> None:
        with tempfile.TemporaryDirectory() as folder:
            decoded = decode(wav, Path(folder) / "samples", MediaLimits())
            listen(engine, decoded.path, (0, decoded.samples), TranscribeOptions(language="ko"))

    return transcribe


def through(base: str, wav: Path) -> None:
    """The file through the service: upload, queue, decode, download."""
    with wav.open("rb") as file:
        answer = requests.post(
            f"{base}/v1/audio/transcriptions",
            files={"file": ("lecture.wav", file)},
            data={"model": "whisper-1", "language": "ko", "response_format": "verbose_json"},
            headers={"Cache-Control": "no-cache"},  # else it is heard once only
            timeout=900,
        )
    answer.raise_for_status()
    assert answer.json()["text"]


if __name__ == "__main__":
    main()
