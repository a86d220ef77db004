"""The transcription engine against plain faster-whisper: the same weights, type, threads and beam, in turn, in one run.

    python -m bench.hearing quality FOLDER        error rates and languages, clip by clip
    python -m bench.hearing talk FOLDER           a long talk: time, errors, and the recall of each minute
    python -m bench.hearing lengths FOLDER        real-time factor at 30, 60 and 120 s
    python -m bench.hearing spread FOLDER         time per audio second over pieces of 30 s, with noise
    python -m bench.hearing first FOLDER          time to the first segment of a long talk

FOLDER holds `manifest.tsv` (file, language, seconds, transcript, …) and the recordings. Plain is faster-whisper's
`WhisperModel.transcribe` at its defaults (beam 5, no filter, no word times), int8, with so many threads; each arm has
a process of its own. CPU seconds stand beside those of the wall. `--kept` tells plain's process, too, to keep the
memory that it frees, which faster-whisper does not (worker/heap.py).
"""

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import requests
from faster_whisper import WhisperModel

from bench.recordings import rows
from bench.seams import aligned, errors, joined, place_of, plain
from bench.service import served
from speech.encode import encode
from speech.media import RATE, MediaLimits, decode, samples
from speech.settings import Settings
from speech.transcript import Segment, Transcript, Word
from worker.engines import TranscribeOptions
from worker.heap import keep_freed
from worker.listen import listen
from worker.whisper import Whisper
from worker.whisper_weights import resolve

Hear = Callable[[Path, str | None], Transcript]
Arm = Callable[[Path, str | None], tuple[Transcript, float, float]]  # seconds by wall and CPU
SPAWN = multiprocessing.get_context("spawn")


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["quality", "talk", "lengths", "spread", "first"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="long_")
    parser.add_argument("--kept", action="store_true")
    asked = parser.parse_args()
    settings = Settings(whisper_threads=asked.threads, whisper_device="cpu")
    arms = {name: arm(name, settings, asked.kept) for name in ("plain", "ours")}
    with tempfile.TemporaryDirectory() as folder:
        WHAT[asked.what](asked, arms, Path(folder))


def arm(name: str, settings: Settings, kept: bool) -> Arm:
    """One of both ways to hear, in a process that lives on between calls."""
    pool = ProcessPoolExecutor(1, SPAWN, _load, (name, settings, kept))
    return lambda path, language: pool.submit(_measured, path, language).result()


_hear: Hear | None = None  # of an arm's process


def _load(name: str, settings: Settings, kept: bool) -> None:
    global _hear
    if kept:
        keep_freed()
    _hear = plain_arm(settings) if name == "plain" else our_arm(Whisper.load(settings))


def _measured(path: Path, language: str | None) -> tuple[Transcript, float, float]:
    assert _hear is not None
    wall, cpu = time.perf_counter(), time.process_time()
    heard = _hear(path, language)
    return heard, time.perf_counter() - wall, time.process_time() - cpu


def our_arm(engine: Whisper) -> Hear:
    """As a job hears one part."""

    def hear(path: Path, language: str | None) -> Transcript:
        total = path.stat().st_size // 2
        return listen(engine, path, (0, total), TranscribeOptions(language=language))

    return hear


def plain_arm(settings: Settings) -> Hear:
    """faster-whisper as it comes; each segment stands for its words, evenly spread."""
    folder, threads = str(resolve("base", settings)), settings.whisper_threads
    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=threads)

    def hear(path: Path, language: str | None) -> Transcript:
        segments, info = model.transcribe(samples(path), language=language)
        made = [_evenly(one.start, one.end, one.text) for one in segments]
        text = "".join(one.text for one in made).strip()
        return Transcript(
            text, info.language, info.language_probability, info.duration, tuple(made)
        )

    return hear


def _evenly(start: float, end: float, text: str) -> Segment:
    words = text.split()
    step = (end - start) / max(1, len(words))
    timed = (
        Word(f" {w}", start + n * step, start + (n + 1) * step, 1.0) for n, w in enumerate(words)
    )
    return Segment(0, start, end, text, words=tuple(timed))


def quality(asked: argparse.Namespace, arms: dict[str, Arm], folder: Path) -> None:
    """Pooled rates of each language, told and detected."""
    pooled: dict[tuple[str, str], list[np.ndarray]] = {}
    right = dict.fromkeys(arms, 0)
    found = rows(asked.folder, "", 120.0)
    for row in found:
        decode(asked.folder / row["file"], folder / "one", MediaLimits())
        for name, arm in arms.items():
            heard = arm(folder / "one", row["language"])[0]
            pooled.setdefault((row["language"], name), []).append(
                errors(list(letters(row["transcript"])), _spelled(heard))
            )
            right[name] += arm(folder / "one", None)[0].language == row["language"]
    print("| language | clips | characters | CER plain | CER ours |\n|---|---|---|---|---|")
    for language in sorted({one for one, _ in pooled}):
        rates = [np.concatenate(pooled[language, name]) for name in arms]
        shown = " | ".join(f"{rate.mean():.2%}" for rate in rates)
        print(f"| {language} | {len(pooled[language, 'ours'])} | {len(rates[0])} | {shown} |")
    print({name: f"{count} of {len(found)} languages right" for name, count in right.items()})


def letters(text: str) -> str:
    """What counts for an error rate of characters."""
    return "".join(character for character in text.lower() if character.isalnum())


def _spelled(heard: Transcript) -> Transcript:
    """A transcript whose words are its letters, to count errors of characters."""
    words = tuple(Word(letter, 0.0, 0.0, 1.0) for letter in letters(heard.text))
    return Transcript(
        heard.text, heard.language, 1.0, 0.0, (Segment(0, 0.0, 0.0, "", words=words),)
    )


def talk(asked: argparse.Namespace, arms: dict[str, Arm], folder: Path) -> None:
    """Pairs of both arms over one long talk."""
    path, text, language = talk_of(asked, folder)
    said, ratios, seconds = plain(text), [], path.stat().st_size / 2 / RATE
    print("| arm | seconds | wall, s | CPU, s | WER | minutes with a recall under 0.8 |")
    print("|---|---|---|---|---|---|")
    for _ in range(asked.pairs):
        took = {}
        for name, arm in arms.items():
            heard, wall, cpu = arm(path, language)
            took[name] = (wall, cpu)
            wer, low = errors(said, heard).mean(), poor_minutes(said, heard)
            print(
                f"| {name} | {seconds:.0f} | {wall:.1f} | {cpu:.1f} | {wer:.2%} | {low} |",
                flush=True,
            )
        ratios.append([took["plain"][n] / took["ours"][n] for n in (0, 1)])
    wall, cpu = (statistics.median(one) for one in zip(*ratios, strict=True))
    print(f"plain over ours: {wall:.2f} by the wall, {cpu:.2f} by the CPU; goal 1.5")


def poor_minutes(said: list[str], heard: Transcript) -> list[int]:
    """Minutes of which fewer than eight words in ten were heard."""
    right = np.zeros(len(said))
    for chunk in aligned(said, heard):
        if chunk.type == "equal":
            right[chunk.ref_start_idx : chunk.ref_end_idx] = 1
    minute = (place_of(said, heard) // 60).astype(int)
    return [int(one) for one in np.unique(minute) if right[minute == one].mean() < 0.8]


def lengths(asked: argparse.Namespace, arms: dict[str, Arm], folder: Path) -> None:
    """Both arms on the start of a talk."""
    path, _, language = talk_of(asked, folder)
    print("| seconds | plain: wall, CPU | ours: wall, CPU |\n|---|---|---|")
    for seconds in (30, 60, 120):
        piece = _piece(path, 0, seconds)
        both = [
            [arm(piece, language)[1:] for arm in arms.values()] for _ in range(asked.pairs + 1)
        ][1:]
        shown = [
            ", ".join(
                f"{statistics.median(turn[n][k] for turn in both) / seconds:.3f}" for k in (0, 1)
            )
            for n in (0, 1)
        ]
        print(f"| {seconds} | {shown[0]} | {shown[1]} |", flush=True)


def spread(asked: argparse.Namespace, arms: dict[str, Arm], folder: Path) -> None:
    """CPU seconds per audio second over pieces of 30 s: talks in all languages, clean and in noise, and noise."""
    rng, pieces = np.random.default_rng(0), []
    found = [row for row in rows(asked.folder, "", 1e9) if float(row["seconds"]) >= 30]
    for row in found:
        path, _ = joined(asked.folder, [row], folder)
        for start in range(0, int(min(path.stat().st_size / 2 / RATE, 600)) - 29, 30):
            clean = np.fromfile(_piece(path, start, start + 30), np.int16).astype(np.float32)
            for level in (0, 300, 2_000):
                pieces.append((row["language"], clean + rng.normal(0, level, len(clean))))
    pieces += [("ko", rng.normal(0, level, 30 * RATE)) for level in (100, 1_000, 5_000)]
    for name, arm in arms.items():
        took = []
        for language, sound in pieces:
            np.clip(sound, -32_768, 32_767).astype(np.int16).tofile(folder / "noisy")
            took.append(arm(folder / "noisy", language)[2] / 30)
        low, high = np.percentile(took, (50, 99))
        print(f"{name}: {len(took)} pieces, p50 {low:.3f}, p99 {high:.3f}, ratio {high / low:.2f}")


def first(asked: argparse.Namespace, arms: dict[str, Arm], folder: Path) -> None:
    """Seconds from the upload to the first streamed segment, as a part of those to the last."""
    path, _, language = talk_of(asked, folder)
    media = folder / "talk.mp3"
    encode([samples(path)], RATE, "mp3", media)
    with served("embedded", whisper_threads=asked.threads) as service, media.open("rb") as file:
        began = time.perf_counter()
        answer = requests.post(
            f"{service.base}/v1/audio/transcriptions", stream=True, timeout=3_600,
            files={"file": ("talk.mp3", file)},
            data={"model": "whisper-1", "language": language, "stream": "true"},
        )  # fmt: skip
        times = [
            time.perf_counter() - began
            for line in answer.iter_lines(chunk_size=1)
            if line.startswith(b"event: transcript.text")
        ]
    print(
        f"first segment after {times[0]:.2f} s of {times[-1]:.1f} s: 1/{times[-1] / times[0]:.0f}; goal 1/20"
    )


def talk_of(asked: argparse.Namespace, folder: Path) -> tuple[Path, str, str]:
    """The chosen recordings over and over, for as long as asked; its text and language."""
    chosen = rows(asked.folder, asked.only, 1e9)
    length = sum(float(row["seconds"]) for row in chosen)
    times = max(1, round(asked.minutes * 60 / length))
    path, text = joined(asked.folder, chosen * times, folder)
    return path, text, chosen[0]["language"]


def _piece(path: Path, start: float, end: float) -> Path:
    made = path.with_name("piece")
    made.write_bytes(path.read_bytes()[round(start * RATE) * 2 : round(end * RATE) * 2])
    return made


WHAT = {"quality": quality, "talk": talk, "lengths": lengths, "spread": spread, "first": first}

if __name__ == "__main__":
    main()
