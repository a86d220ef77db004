"""A plug-in (MOKSORI_PLUGINS=tests.stub_engine) whose engine does what the request's "stub" says, quickly.

{"sleep": seconds, "steps": count, "die": attempts that die, "raise": true, "parts": count, "deaf": true,
 "log": a file that gets one line for each run}
"""

import os
import signal
import time
from pathlib import Path

from speech.errors import BadMedia
from speech.jobs import NewJob
from worker.attempt import Attempt, Done, NewArtifact, Split
from worker.registry import HANDLERS, LOADERS


def load(_settings):
    delay = float(os.environ.get("STUB_LOAD", "0"))
    time.sleep(delay)
    if os.environ.get("STUB_BROKEN"):
        raise RuntimeError("the stub's model is broken, as asked")
    return "stub"


def run(attempt: Attempt) -> Done | Split:
    plan = attempt.job.request.get("stub", {})
    if attempt.job.phase == "join":
        texts = [part.result["text"] for part in attempt.parts()]
        return _done(attempt, "+".join(texts), plan)
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
    return _done(attempt, attempt.job.request.get("input", ""), plan)


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
        attempt.piece({"n": n})


def _done(attempt: Attempt, text: str, plan: dict) -> Done:
    path = attempt.workdir / "speech.wav"
    path.write_bytes(f"RIFF{text}".encode())
    return Done([NewArtifact("speech.wav", path, "audio/wav")], {"text": text})


def _note(attempt: Attempt, plan: dict) -> None:
    if plan.get("log"):
        with Path(plan["log"]).open("a") as file:
            file.write(f"{attempt.job.id} {attempt.job.attempt}\n")


for lane in ("speech", "transcription"):
    LOADERS[lane] = load
    HANDLERS[lane] = run
