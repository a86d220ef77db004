"""An engine that does what its plan says, quickly; tests/stub_plugin.py puts it in place of the real ones.

The plan is the request's "stub"; where the server lets no such field through, a text or an uploaded file that is a
JSON object:

{"sleep": seconds, "steps": count, "die": attempts that die, "raise": true, "refuse": true, "parts": count,
 "deaf": true, "log": a file that gets one line for each run}

It speaks a tone of one second for each sentence, and hears one segment a second in whatever it is given.
"""

import json
import math
import os
import signal
import struct
import time
import wave
from functools import lru_cache
from pathlib import Path
from typing import Any

from speech.errors import BadMedia
from speech.jobs import NewJob
from speech.subtitles import CONTENT_TYPES, WRITERS
from speech.transcript import Segment, Transcript, Word
from worker.attempt import Attempt, Done, NewArtifact, Split

RATE = 16_000  # Hz
HEARD = ("안녕하세요.", "만나서 반갑습니다.")


def load(_settings):
    flags = Path(os.environ.get("STUB_FLAGS", "no-such-folder"))
    if (flags / "load").exists():
        time.sleep(float((flags / "load").read_text()))
    if (flags / "broken").exists():
        raise RuntimeError("the stub's model is broken, as asked")
    return "stub"


def run(attempt: Attempt) -> Done | Split:
    plan = read_plan(attempt)
    if attempt.job.phase == "join":
        texts = [part.result["text"] for part in attempt.parts()]
        return _done(attempt, "+".join(texts))
    _note(attempt, plan)
    if plan.get("parts"):
        inner = {**plan, "parts": 0}
        return Split(
            [
                NewJob("part", attempt.job.lane, {"input": str(n), "stub": inner})
                for n in range(plan["parts"])
            ]
        )
    _work(attempt, plan)
    return _done(attempt, attempt.job.request.get("input") or "")


def read_plan(attempt: Attempt) -> dict[str, Any]:
    """What this attempt shall do."""
    request, given = attempt.job.request, attempt.job.input
    if "stub" in request:
        return request["stub"]
    text = request.get("input") or ""
    if given and "name" in given and given["bytes"] < 1000:
        text = attempt.fetch_input().read_bytes().decode(errors="replace")
    return json.loads(text) if text.startswith("{") else {}


def _work(attempt: Attempt, plan: dict) -> None:
    if attempt.job.attempt <= plan.get("die", 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if plan.get("refuse"):
        raise BadMedia("media_empty", param="file")
    if plan.get("raise"):
        raise RuntimeError("the stub breaks, as asked")
    steps = plan.get("steps", 1)
    for n in range(steps):
        time.sleep(plan.get("sleep", 0) / steps)
        if not plan.get("deaf"):
            attempt.check()
        attempt.progress((n + 1) / steps, "speaking")
        attempt.piece({"n": n, "start": float(n), "end": n + 1.0, "text": HEARD[n % len(HEARD)]})


def _done(attempt: Attempt, text: str) -> Done:
    if attempt.job.lane == "transcription" and attempt.job.kind != "part":
        heard = transcript(HEARD)
        return Done(_captions(attempt, "transcript", heard, WRITERS), {"text": text or heard.text})
    spoken = transcript((text,))
    path = attempt.workdir / "speech.wav"
    write_tone(path, spoken.duration)
    asked = [name for name in attempt.job.request.get("formats") or () if name in WRITERS]
    made = [NewArtifact("speech.wav", path, "audio/wav")]
    return Done([*made, *_captions(attempt, "speech", spoken, asked)], {"text": text})


def _captions(attempt: Attempt, stem: str, made: Transcript, names: Any) -> list[NewArtifact]:
    found = []
    for name in names:
        path = attempt.workdir / f"{stem}.{name}"
        path.write_text(WRITERS[name](made), "utf-8")
        found.append(NewArtifact(path.name, path, CONTENT_TYPES[name]))
    return found


def transcript(sentences: tuple[str, ...]) -> Transcript:
    """One second for each sentence, one word in it."""
    segments = tuple(
        Segment(n, float(n), n + 1.0, text, words=(Word(text, float(n), n + 1.0, 1.0),))
        for n, text in enumerate(sentences)
    )
    return Transcript(" ".join(sentences), "ko", 1.0, float(len(sentences)), segments)


def write_tone(path: Path, duration: float) -> None:
    """A WAV that a browser plays: mono, 16 bit, a tone that swells and fades."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_tone(int(duration * RATE)))


@lru_cache
def _tone(count: int) -> bytes:
    samples = (
        int(9000 * math.sin(math.pi * n / count) * math.sin(2 * math.pi * 220 * n / RATE))
        for n in range(count)
    )
    return struct.pack(f"<{count}h", *samples)


def _note(attempt: Attempt, plan: dict) -> None:
    if plan.get("log"):
        with Path(plan["log"]).open("a") as file:
            file.write(f"{attempt.job.id} {attempt.job.attempt}\n")
