"""Our engine against coqui's Synthesizer, the same checkpoints and sentences: how much more speech a second.

    make coqui && make bench-synthesizer

Both sides get the same readings. On one core each sentence is spoken by both in turn, one thread against one, and the
figure is the median of the paired ratios of processor time. On two cores, two workers of ours share the sentences and
stock speaks them with two threads; the figure is the ratio of wall time, which wants a quiet machine.
"""

import argparse
import contextlib
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from speech.korean.reader import Reader, symbols
from speech.settings import Settings
from speech.voices import Voice, read_voices
from voice_model.engines import Engine, load
from voice_model.pipeline import SpeakOptions

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-coqui" / "bin" / "python"
SENTENCES = (ROOT / "voice_model" / "eval.txt").read_text("utf-8").splitlines()
GOALS = {"one core": 1.5, "two cores": 1.8}
ENGINES: dict[Path, tuple[Voice, Engine]] = {}  # of a worker process


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    reader = Reader()
    readings = [reader.read(sentence).reading for sentence in SENTENCES[: asked.sentences]]
    with tempfile.TemporaryDirectory(prefix="moksori-bench-") as place:
        folder = Path(place)
        module(folder, "bench.seed_voice", str(folder)).wait()
        print(
            "| | pairs | times as fast, median | least | most | goal |\n|---|---|---|---|---|---|"
        )
        row(
            "one core", [ratio for _ in range(asked.rounds) for ratio in one_core(folder, readings)]
        )
        row("two cores", [two_cores(folder, readings) for _ in range(asked.rounds)])


def one_core(folder: Path, readings: Sequence[str]) -> list[float]:
    """Processor time of stock by ours, of each sentence. Raises ValueError when they differ in length."""
    with stock(folder, 1) as speak:
        for reading in readings[:3]:  # both warm up
            speak(reading), ours(folder, reading)
        return [_pair(speak(reading), ours(folder, reading)) for reading in readings]


def _pair(theirs: dict[str, float], mine: dict[str, float]) -> float:
    if (
        abs(theirs["samples"] - mine["samples"]) > 2 * 256
    ):  # an odd sum: we add a frame, stock drops one
        raise ValueError(f"{theirs['samples']} samples against {mine['samples']}")
    return theirs["used"] / mine["used"]


def two_cores(folder: Path, readings: Sequence[str]) -> float:
    """Wall time of stock with two threads by that of two workers of ours."""
    with stock(folder, 2) as speak, ProcessPoolExecutor(2) as workers:
        for reading in readings[:3]:  # stock has loaded once it answers
            speak(reading)
        list(workers.map(ours, [folder] * 8, readings[:8]))
        began = time.perf_counter()
        list(workers.map(ours, [folder] * len(readings), readings))
        mine = time.perf_counter() - began
        return sum(speak(reading)["wall"] for reading in readings) / mine


def ours(folder: Path, reading: str) -> dict[str, float]:
    """Seconds of wall and processor time, and samples, of one sentence on one thread."""
    if folder not in ENGINES:
        voices = read_voices(folder / "voices")
        engine = load(voices, Settings(speech_engine="onnx", speech_threads=1))
        ENGINES[folder] = (next(iter(voices)), engine)
    voice, engine = ENGINES[folder]
    began, used = time.perf_counter(), time.process_time()
    ids = symbols(reading, voice)[0]
    audio, _ = engine.synthesize(ids, voice, SpeakOptions(noise_scale=0.0))
    told = {"wall": time.perf_counter() - began, "used": time.process_time() - used}
    return told | {"samples": len(audio.samples)}


@contextlib.contextmanager
def stock(folder: Path, threads: int) -> Iterator:
    """A function that lets bench/stock.py speak one reading."""
    process = module(folder, "bench.stock", str(folder / "checkpoints"), str(threads))
    given, told = process.stdin, process.stdout
    assert given is not None and told is not None

    def speak(reading: str) -> dict[str, float]:
        given.write(f"{reading}\n")
        given.flush()
        return json.loads(told.readline())

    try:
        yield speak
    finally:
        given.close()
        process.wait(timeout=60)
        told.close()


def module(folder: Path, name: str, *arguments: str) -> subprocess.Popen[str]:
    """A module of ours in the environment with coqui; what it says to people goes to a file."""
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [PYTHON, "-W", "ignore", "-m", name, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def row(name: str, ratios: Sequence[float]) -> None:
    """One line of the table."""
    cells = f"{statistics.median(ratios):.2f} | {min(ratios):.2f} | {max(ratios):.2f}"
    print(f"| {name} | {len(ratios)} | {cells} | {GOALS[name]} |", flush=True)


if __name__ == "__main__":
    main()
