"""Speech through API, queue and storage against the engine called directly: milliseconds more a sentence.

    make bench-speech

Each sentence is spoken by both arms in turn, in one run; the figure is the median of the paired differences.
Goals: at most 40 ms with RabbitMQ, PostgreSQL and a GCS server, 250 ms embedded.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import requests

from bench.service import MODES, served
from speech.settings import Settings
from worker.speaker import Request, load_speech_models

SENTENCES = (Path(__file__).parents[1] / "voice_model" / "eval.txt").read_text("utf-8").splitlines()
GOAL = {"embedded": 250.0, "rabbitmq": 40.0}
MEMBER = "1"


def main() -> None:
    """Measure both modes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=20)
    count = parser.parse_args().sentences
    speak = direct_arm()
    print("| mode | sentences | engine, ms | service, ms | more, median ms | least | most | goal |")
    print("|---|---|---|---|---|---|---|---|")
    for mode in MODES:
        with served(mode) as service:
            compare(mode, service.base, speak, SENTENCES[:count])


def compare(mode: str, base: str, speak: Any, sentences: list[str]) -> None:
    """Print one row."""
    session = requests.Session()
    for warm in sentences[:3]:
        speak(warm)
        through(session, base, warm)
    alone, whole = [], []
    for sentence in sentences:
        alone.append(timed(speak, sentence))
        whole.append(timed(through, session, base, sentence))
    more = [one - other for one, other in zip(whole, alone, strict=True)]
    cells = [
        statistics.median(alone),
        statistics.median(whole),
        statistics.median(more),
        min(more),
        max(more),
    ]
    print(
        f"| {mode} | {len(sentences)} | {' | '.join(f'{cell:.1f}' for cell in cells)} | {GOAL[mode]:.0f} |"
    )


def timed(do: Any, *args: Any) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    do(*args)
    return (time.perf_counter() - began) * 1000


def through(session: requests.Session, base: str, text: str) -> None:
    """One sentence through the service, its bytes included."""
    answer = session.post(
        f"{base}/v1/audio/speech",
        json={"model": "tts-1", "voice": MEMBER, "input": text, "response_format": "wav"},
        timeout=60,
    )
    answer.raise_for_status()


def direct_arm() -> Any:
    """The same reading and the same engine, called in this process."""
    speaker = load_speech_models(Settings())
    request = Request(speaker.voices.find(MEMBER))
    return lambda sentence: list(speaker.say([sentence], request))


if __name__ == "__main__":
    main()
