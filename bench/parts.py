"""Long recordings part by part: two workers with a thread each against one, and the memory of a long one.

    python -m bench.parts workers FOLDER [--pairs 3]        goal: two are 1.8 times as fast as one
    python -m bench.parts memory FOLDER [--minutes 180]     goal: at most 1.2 times that of 10 minutes
    python -m bench.parts around FOLDER [--minutes 30]      CPU seconds of everything but the engine; goal: under 3 %

FOLDER is that of bench.hearing. A worker here is a process that hears parts as jobs do, without queue and store.
"""

import argparse
import multiprocessing
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.hearing import talk_of
from speech.encode import encode
from speech.media import RATE, MediaLimits, decode, pcm, samples
from speech.settings import Settings
from speech.subtitles import WRITERS
from speech.wav import copied
from worker.cuts import cut
from worker.engines import Span, TranscribeOptions
from worker.listen import listen, merge
from worker.sentences import number_sentences

SETTINGS = Settings(whisper_threads=1, whisper_device="cpu", audio_max_seconds=20_000)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["workers", "memory", "around"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", default="long_")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        WHAT[asked.what](asked, Path(folder))


def spans_of(path: Path) -> list[Span]:
    """The parts of decoded samples."""
    return cut(path, path.stat().st_size // 2, SETTINGS.part_seconds)


def work(path: Path, language: str, threads: int, queue: Any, done: Any) -> None:
    """A worker's process: load, say so, then hear the spans of the queue until None."""
    from worker.whisper import Whisper

    engine = Whisper.load(replace(SETTINGS, whisper_threads=threads))
    done.put("ready")
    while (span := queue.get()) is not None:
        listen(engine, path, span, TranscribeOptions(language=language, soon=False))
        done.put(span)


def timed(path: Path, language: str, count: int, threads: int = 1) -> float:
    """Seconds that `count` workers need for all parts, their loading left out."""
    context = multiprocessing.get_context("spawn")
    queue, done, spans = context.Queue(), context.Queue(), spans_of(path)
    args = (path, language, threads, queue, done)
    processes = [context.Process(target=work, args=args) for _ in range(count)]
    for process in processes:
        process.start()
    for _ in processes:
        done.get()
    began = time.perf_counter()
    for span in [*spans, *[None] * count]:
        queue.put(span)
    for _ in spans:
        done.get()
    took = time.perf_counter() - began
    for process in processes:
        process.join()
    return took


def workers(asked: argparse.Namespace, folder: Path) -> None:
    """One against two; and one with two threads beside them."""
    path, _, language = talk_of(asked, folder)
    found = []
    for _ in range(asked.pairs):
        one, two, both = (timed(path, language, *how) for how in ((1, 1), (2, 1), (1, 2)))
        found.append(one / two)
        print(f"one worker {one:.1f} s, two {two:.1f} s: {found[-1]:.2f} times as fast; ", end="")
        print(f"one with two threads {both:.1f} s", flush=True)
    print(f"in the middle {statistics.median(found):.2f}; goal 1.8")


def memory(asked: argparse.Namespace, folder: Path) -> None:
    """Peaks of a worker's process that hears a file from its bytes on, part by part."""
    peaks = []
    for minutes in (10.0, asked.minutes):
        asked.minutes = minutes
        path, _, language = talk_of(asked, folder)
        media = folder / f"{minutes:g}.flac"
        encode(_minutes(path), RATE, "flac", media)
        context = multiprocessing.get_context("spawn")
        told = context.Queue()
        process = context.Process(target=_whole, args=(media, folder, language, told))
        process.start()
        peaks.append(told.get())
        process.join()
        print(f"{minutes:g} minutes: {peaks[-1] / 2**20:.0f} MiB", flush=True)
    print(f"ratio {peaks[1] / peaks[0]:.2f}; goal 1.2")


def _minutes(path: Path) -> Iterator[Any]:
    for at in range(0, path.stat().st_size // 2, RATE * 60):
        yield samples(path, at, at + RATE * 60)


def _whole(media: Path, folder: Path, language: str, told: Any) -> None:
    from worker.whisper import Whisper

    engine = Whisper.load(SETTINGS)
    target = folder / "decoded"
    decode(media, target, MediaLimits.from_settings(SETTINGS))
    options = TranscribeOptions(language=language, soon=False)
    parts = [(span[0] / RATE, listen(engine, target, span, options)) for span in spans_of(target)]
    transcript = number_sentences(merge(parts))
    for write in WRITERS.values():
        write(transcript)
    status = Path("/proc/self/status").read_text()
    told.put(int(status.partition("VmHWM:")[2].split()[0]) * 1024)


def around(asked: argparse.Namespace, folder: Path) -> None:
    """CPU seconds of decoding, cutting, parts as files, joining and writing, beside those of the engine."""
    from worker.whisper import Whisper

    path, _, language = talk_of(asked, folder)
    encode(_minutes(path), RATE, "mp3", folder / "talk.mp3")
    engine, options = Whisper.load(SETTINGS), TranscribeOptions(language=language, soon=False)
    clock = [_cpu()]
    decode(folder / "talk.mp3", path, MediaLimits.from_settings(SETTINGS))
    spans = spans_of(path)
    for span in spans:
        encode([pcm(path, *span)], RATE, "wav", folder / "part.wav")
        copied(folder / "part.wav", folder / "again", RATE)
    clock.append(_cpu())
    parts = [(span[0] / RATE, listen(engine, path, span, options)) for span in spans]
    clock.append(_cpu())
    transcript = number_sentences(merge(parts))
    for write in WRITERS.values():
        write(transcript)
    clock.append(_cpu())
    before, engines, after = (later - earlier for earlier, later in pairwise(clock))
    part = (before + after) / (before + engines + after)
    print(
        f"decoding and cutting {before:.2f} s, engine {engines:.2f} s, joining {after:.2f} s: {part:.1%}; goal 3 %"
    )


def _cpu() -> float:
    """CPU seconds of this process and of those it has waited for."""
    return sum(os.times()[:4])


WHAT = {"workers": workers, "memory": memory, "around": around}

if __name__ == "__main__":
    main()
