"""How well each voice is understood: eval.txt spoken by every member, heard by Whisper, compared.

`python -m bench.voices [--sentences N] [--write]`; --write puts the table into
docs/voices.md. Letters and digits alone count; a member's errors are pooled over its sentences.
"""

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import jiwer
import soxr

from speech.settings import Settings
from speech.voices import Voice
from worker.speaker import Request, Speaker, load_speech_models
from worker.whisper import RATE, TranscribeOptions, Whisper

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = ROOT / "voice_model" / "eval.txt"
PAGE = ROOT / "docs" / "voices.md"
BEGIN, END = "<!-- bench-voices begins -->", "<!-- bench-voices ends -->"


@dataclass
class Heard:
    """What one member said and what was understood of it."""

    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    seconds: float = 0.0  # of sound
    work: float = 0.0  # of making it


def letters(text: str) -> str:
    """What counts of a sentence."""
    return re.sub(r"[^가-힣0-9a-z]", "", text.lower())


def character_error_rate(said: list[str], heard: list[str]) -> float:
    """Errors of all sentences divided by the characters of all sentences."""
    # Nothing heard is one wrong character more than nothing, and jiwer takes no empty text.
    return float(jiwer.cer([letters(one) for one in said], [letters(one) or "x" for one in heard]))


def measure(sentences: list[str]) -> Iterator[tuple[Voice, Heard]]:
    """Each member's results, as they are ready."""
    settings = replace(Settings.from_env(), whisper_threads=2)
    speaker, whisper = load_speech_models(settings), Whisper.load(settings)
    for voice in speaker.voices:
        yield voice, _member(speaker, whisper, voice, sentences)


def _member(speaker: Speaker, whisper: Whisper, voice: Voice, sentences: list[str]) -> Heard:
    heard = Heard()
    options = TranscribeOptions(language="ko", word_timestamps=False, vad_filter=False)
    for sentence in sentences:
        began = time.perf_counter()
        (utterance,) = speaker.say([sentence], Request(voice))
        heard.work += time.perf_counter() - began
        heard.seconds += len(utterance.samples) / voice.rate
        samples = soxr.resample(utterance.samples, voice.rate, RATE)
        segments = whisper.transcribe(samples, options, [])[1]
        heard.said.append(sentence)
        heard.heard.append("".join(segment.text for segment in segments))
    return heard


def table(results: list[tuple[Voice, Heard]]) -> list[str]:
    """The results as Markdown, the pooled row last."""
    rows = [
        "| member | error rate | syllables a second | seconds of work for one of sound |",
        "|---|---|---|---|",
    ]
    pooled = Heard()
    for voice, heard in results:
        rows.append(_row(f"{voice.member} {voice.name}", heard))
        pooled.said += heard.said
        pooled.heard += heard.heard
        pooled.seconds += heard.seconds
        pooled.work += heard.work
    return [*rows, _row("all", pooled)]


def _row(name: str, heard: Heard) -> str:
    syllables = sum(len(letters(one)) for one in heard.said) / heard.seconds
    rate = character_error_rate(heard.said, heard.heard)
    return f"| {name} | {rate:.3f} | {syllables:.2f} | {heard.work / heard.seconds:.3f} |"


def main() -> None:
    """Measure, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    sentences = SENTENCES.read_text("utf-8").split("\n")[: asked.sentences]
    results = []
    for voice, heard in measure([one for one in sentences if one.strip()]):
        results.append((voice, heard))
        print(_row(f"{voice.member} {voice.name}", heard), flush=True)
    lines = table(results)
    print("\n".join(lines))
    if asked.write:
        before, rest = PAGE.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), "utf-8")


if __name__ == "__main__":
    main()
