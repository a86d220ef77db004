"""Texts of many sentences: how soon the first is heard, and what length costs.

    python -m bench.long_texts first                          CPU time to the first of ten sentences; goal 1/6 of all
    python -m bench.long_texts grow [--most 100000] [--still] against 1,000 characters, goals: memory 1.2 times;
                                                              time in proportion

A text is spoken as a worker does that is alone: divided, part by part, joined. --still leaves the networks out, whose
work and memory are a sentence's; everything around them is left.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from speech.jobs import Artifact, Job
from speech.settings import Settings
from speech.voices import load_voices
from voice_model.engines import Engine
from voice_model.pipeline import Encoded
from worker.attempt import Attempt, Done, Split
from worker.speak import speak
from worker.speaker import Request, Speaker, load_reader, load_speech_models

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = (ROOT / "voice_model" / "eval.txt").read_text("utf-8").splitlines()
FEW = 1_000  # characters


class Still:
    """Networks without sound, whose every symbol lasts a frame."""

    def encode(self, symbols: np.ndarray, speaker: int) -> Encoded:
        """See voice_model.pipeline.Networks."""
        zeros = np.zeros((80, len(symbols)), np.float32)
        return Encoded(zeros, zeros, np.zeros(len(symbols), np.float32))

    def decode(self, latent: np.ndarray, speaker: int) -> np.ndarray:
        """See voice_model.pipeline.Networks."""
        return latent

    def vocode(self, mel: np.ndarray) -> np.ndarray:
        """See voice_model.pipeline.Networks."""
        return np.zeros(mel.shape[1] * 256, np.float32)


class Kept:
    """Storage whose keys are files."""

    def fetch(self, key: str, path: Path) -> None:
        """See speech.storage.Storage."""
        shutil.copyfile(key, path)


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["first", "grow", "one"])
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--still", action="store_true")
    asked = parser.parse_args()
    if asked.what == "first":
        print(f"the first of ten sentences: 1/{1 / first():.1f} of the time at worst")
    elif asked.what == "one":
        print(json.dumps(one(asked.most, asked.still)))
    else:
        grow(asked.most, asked.still)


def first() -> float:
    """The largest part of a text's CPU time that goes by before its first of ten sentences is spoken."""
    speaker = load_speech_models(Settings())
    request = Request(speaker.voices.find("1"))
    list(speaker.say(SENTENCES[:10], request))
    shares = []
    for start in range(0, len(SENTENCES) - 9, 10):
        began, times = time.process_time(), []
        for _ in speaker.say(SENTENCES[start : start + 10], request):
            times.append(time.process_time() - began)
        shares.append(times[0] / times[-1])
    return max(shares)


def grow(most: int, still: bool) -> None:
    """A short text and a long one, each in a process of its own."""
    short, long = (measured(count, still) for count in (FEW, most))
    for count, made in ((FEW, short), (most, long)):
        print(
            f"{count} characters: {made['sound']:.0f} s of sound, peak {made['peak'] / 2**20:.0f} MiB, "
            f"{made['cpu']:.1f} s of CPU time"
        )
    pace = (long["cpu"] / most) / (short["cpu"] / FEW)
    print(f"memory {long['peak'] / short['peak']:.2f}; time a character {pace:.2f}")


def measured(count: int, still: bool) -> dict[str, float]:
    """What `one` says in a new process."""
    command = [sys.executable, "-m", "bench.long_texts", "one", "--most", str(count)]
    command += ["--still"] if still else []
    made = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return json.loads(made.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def one(count: int, still: bool) -> dict[str, float]:
    """Speak `count` characters: the process's peak in bytes, CPU seconds after the start, seconds of sound."""
    settings = Settings()
    speaker = (
        Speaker(load_voices(settings), Engine("still", {"korean": Still()}), load_reader(settings))
        if still
        else load_speech_models(settings)
    )
    with tempfile.TemporaryDirectory() as name:
        spoken(written(100), speaker, settings, Path(name))  # warm
    began = time.process_time()
    with tempfile.TemporaryDirectory() as name:
        made = spoken(written(count), speaker, settings, Path(name))
    cpu = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"peak": peak, "cpu": cpu, "sound": made.usage["audio_seconds"]}


def written(count: int) -> str:
    """A text of that many characters."""
    found, length = [], 0
    for sentence in cycle(SENTENCES):
        found.append(sentence)
        length += len(sentence) + 1
        if length > count:
            return " ".join(found)[:count]
    raise AssertionError


def spoken(text: str, speaker: Speaker, settings: Settings, folder: Path) -> Done:
    """The whole of `text`, by as many attempts as it takes."""

    def tried(
        number: str, request: dict[str, Any], parts: list[Job], **fields: Any
    ) -> Done | Split:
        (folder / number).mkdir()
        job = _job(request, **fields)
        return speak(_attempt(job, speaker, settings, folder / number, parts))

    asked = {"input": text, "voice": "1", "formats": ["wav", "json"]}
    outcome = tried("whole", asked, [])
    if isinstance(outcome, Done):
        return outcome
    parts = []
    for number, new in enumerate(outcome.parts):
        made = tried(str(number), new.request, [], kind="part")
        assert isinstance(made, Done)
        files = [
            Artifact(one.name, str(one.path), one.content_type, one.path.stat().st_size, "")
            for one in made.artifacts
        ]
        parts.append(_job(new.request, result=made.result, artifacts=tuple(files)))
    joined = tried("join", asked, parts, phase="join")
    assert isinstance(joined, Done)
    return joined


def _job(request: dict[str, Any], **fields: Any) -> Job:
    given: dict[str, Any] = dict.fromkeys(Job.__dataclass_fields__)
    given |= {"id": "bench", "kind": "speech", "lane": "speech", "tenant": "default"}
    given |= {"priority": "batch", "phase": "work", "request": request, "artifacts": ()}
    return Job(**(given | fields))


def _attempt(
    job: Job, speaker: Speaker, settings: Settings, folder: Path, parts: list[Job]
) -> Attempt:
    return Attempt(
        job=job, settings=settings, storage=Kept(), models={"speech": speaker},  # type: ignore[arg-type]
        workdir=folder, fetch_input=lambda: folder, parts=lambda: parts,
        on_progress=lambda fraction, step: None, on_piece=lambda data: None,
        on_store=lambda name, path, kind: name, stopping=lambda: False,
    )  # fmt: skip


if __name__ == "__main__":
    main()
