"""How exact word times are: `python -m bench.word_times [--sentences 10]`.

Each member speaks some sentences of voice_model/eval.txt into one recording. Glow-TTS's durations say to a frame when
every word begins; the transcription engine, at its defaults, says when it heard it. Words that were heard as they are
written are compared. What counts is the median distance between the two starts.
"""

import argparse
import difflib
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soxr

from speech.settings import Settings
from speech.transcript import Word
from speech.voices import Voice
from worker.engines import TranscribeOptions
from worker.speaker import Request, Speaker, load_speech_models
from worker.transcribe import load_transcription_models

RATE = 16_000
TEXTS = Path(__file__).parent.parent / "voice_model" / "eval.txt"


def main() -> None:
    """Print one row a voice, then all words together."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, default=10, help="spoken by each voice")
    most = parser.parse_args().sentences
    speaker, engine = load_speech_models(Settings()), load_transcription_models(Settings())
    texts = TEXTS.read_text("utf-8").splitlines()
    print(
        "| voice | words | heard as written | median, ms | p90, ms | later than true, median, ms |"
    )
    print("|---|---|---|---|---|---|")
    everything: list[float] = []
    spoken = 0
    for number, voice in enumerate(speaker.voices):
        some = texts[number * most : (number + 1) * most] or texts[:most]
        sound, true = speak(speaker, some, voice)
        options = TranscribeOptions(language="ko")
        _, stream = engine.transcribe(sound, options, engine.speech(sound, options))
        heard = [word for segment in stream for word in segment.words]
        late = list(differences(true, heard))
        print(row(voice.slug, len(true), late), flush=True)
        everything += late
        spoken += len(true)
    print(row("all", spoken, everything))


def speak(speaker: Speaker, texts: list[str], voice: Voice) -> tuple[np.ndarray, list[Word]]:
    """Sentences in one recording at 16 kHz, and the words with the times that the voice gave them."""
    made = list(speaker.say(texts, Request(voice)))
    words = [word for one in made if one.segment for word in one.segment.words]
    sound = np.concatenate([one.samples for one in made])
    return soxr.resample(sound, voice.rate, RATE).astype(np.float32), words


def differences(true: list[Word], heard: list[Word]) -> Iterator[float]:
    """Seconds by which each word that was heard as written starts later than it truly does."""
    said, got = ([plain(word.word) for word in words] for words in (true, heard))
    matcher = difflib.SequenceMatcher(None, said, got, autojunk=False)
    for a, b, size in matcher.get_matching_blocks():
        for n in range(size):
            yield heard[b + n].start - true[a + n].start


def plain(text: str) -> str:
    """Letters and digits alone."""
    return "".join(filter(str.isalnum, text))


def row(name: str, words: int, late: list[float]) -> str:
    """One line of the table."""
    apart = sorted(abs(one) for one in late) or [float("nan")]
    median, p90 = statistics.median(apart), apart[int(0.9 * (len(apart) - 1))]
    bias = statistics.median(late or [float("nan")])
    figures = " | ".join(f"{1000 * value:.0f}" for value in (median, p90, bias))
    return f"| {name} | {words} | {len(late)} | {figures} |"


if __name__ == "__main__":
    main()
