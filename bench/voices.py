"""How well each voice is understood: eval.txt spoken by every member, heard by Whisper, compared.

`python -m bench.voices [--sentences N] [--teacher FOLDER] [--write]`; --write puts the table into docs/voices.md.
Letters and digits alone count; a member's errors are pooled over its sentences. The teacher's own recordings of them,
heard by the same recogniser: `moksori teach FOLDER --recipe voice_model/recipes/five.json --texts voice_model/eval.txt
--by-all`.
"""

import argparse
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import jiwer
import numpy as np
import soundfile
import soxr

from speech.settings import Settings
from speech.voices import Voice
from voice_model.recordings import read_recordings
from voice_model.train_plan import read_plan
from worker.speaker import Request, Speaker, load_speech_models
from worker.whisper import RATE, TranscribeOptions, Whisper

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = ROOT / "voice_model" / "eval.txt"
RECIPE = ROOT / "voice_model" / "recipes" / "five.json"
PAGE = ROOT / "docs" / "voices.md"
OPTIONS = TranscribeOptions(language="ko", word_timestamps=False, vad_filter=False)
BEGIN, END = "<!-- bench-voices begins -->", "<!-- bench-voices ends -->"


@dataclass
class Heard:
    """What one member said and what was understood of it."""

    said: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    seconds: float = 0.0  # of sound
    work: float = 0.0  # of making it

    def __iadd__(self, other: "Heard") -> "Heard":
        """Both together."""
        self.said += other.said
        self.heard += other.heard
        self.seconds += other.seconds
        self.work += other.work
        return self

    def rate_and_pace(self) -> tuple[str, str]:
        """Character error rate, syllables a second."""
        syllables = sum(len(letters(one)) for one in self.said)
        rate = character_error_rate(self.said, self.heard)
        return f"{rate:.3f}", f"{syllables / self.seconds:.2f}"


def letters(text: str) -> str:
    """What counts of a sentence."""
    return re.sub(r"[^가-힣0-9a-z]", "", text.lower())


def character_error_rate(said: list[str], heard: list[str]) -> float:
    """Errors of all sentences divided by the characters of all sentences."""
    # Nothing heard is one wrong character more than nothing, and jiwer takes no empty text.
    return float(jiwer.cer([letters(one) for one in said], [letters(one) or "x" for one in heard]))


def measure(
    sentences: list[str], teacher: Path | None
) -> Iterator[tuple[Voice, Heard, Heard | None]]:
    """Each member's results and its teacher's, as they are ready."""
    settings = replace(Settings.from_env(), whisper_threads=2)
    speaker, whisper = load_speech_models(settings), Whisper.load(settings)
    named = {each.member: each.recordings for each in read_plan(RECIPE).speakers}
    for voice in speaker.voices:
        taught = None
        if teacher and voice.member in named:
            taught = hear_recordings(whisper, teacher / named[voice.member], sentences)
        yield voice, hear_voice(speaker, whisper, voice, sentences), taught


def hear_voice(speaker: Speaker, whisper: Whisper, voice: Voice, sentences: list[str]) -> Heard:
    """The sentences as a voice speaks them."""
    heard = Heard()
    for sentence in sentences:
        began = time.perf_counter()
        (utterance,) = speaker.say([sentence], Request(voice))
        heard.work += time.perf_counter() - began
        _hear(whisper, heard, sentence, utterance.samples, voice.rate)
    return heard


def hear_recordings(whisper: Whisper, folder: Path, sentences: list[str]) -> Heard:
    """A teacher's recordings of the sentences."""
    known = {each.text: each for each in read_recordings(folder)[0]}
    heard = Heard()
    for sentence in sentences:
        _hear(whisper, heard, sentence, *soundfile.read(known[sentence].sound, dtype="float32"))
    return heard


def _hear(whisper: Whisper, heard: Heard, sentence: str, samples: np.ndarray, rate: int) -> None:
    segments = whisper.transcribe(soxr.resample(samples, rate, RATE), OPTIONS, [])[1]
    heard.seconds += len(samples) / rate
    heard.said.append(sentence)
    heard.heard.append("".join(segment.text for segment in segments))


def table(results: list[tuple[Voice, Heard, Heard | None]]) -> list[str]:
    """The results as Markdown, the pooled row last."""
    rows = [
        "| member | error rate | its teacher's | syllables a second | its teacher's | work for 1 s |",
        "|---|---|---|---|---|---|",
    ]
    pooled, taught = Heard(), Heard()
    for voice, heard, teacher in results:
        rows.append(_row(f"{voice.member} {voice.name}", heard, teacher))
        pooled += heard
        taught += teacher or Heard()
    return [*rows, _row("all", pooled, taught if taught.said else None)]


def _row(name: str, heard: Heard, teacher: Heard | None) -> str:
    rate, pace = heard.rate_and_pace()
    errors, speed = teacher.rate_and_pace() if teacher else ("", "")
    return f"| {name} | {rate} | {errors} | {pace} | {speed} | {heard.work / heard.seconds:.3f} |"


def main() -> None:
    """Measure, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=50)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args()
    sentences = SENTENCES.read_text("utf-8").split("\n")[: asked.sentences]
    results = []
    for voice, heard, teacher in measure([one for one in sentences if one.strip()], asked.teacher):
        results.append((voice, heard, teacher))
        print(_row(f"{voice.member} {voice.name}", heard, teacher), flush=True)
    lines = table(results)
    print("\n".join(lines))
    if asked.write:
        before, rest = PAGE.read_text("utf-8").split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), "utf-8")


if __name__ == "__main__":
    main()
