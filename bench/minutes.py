"""How many minutes of a person's speech a voice needs: `moksori train` with 2, 5 and 15 of a voice that no model knows.

    python -m bench.minutes FOLDER [--minutes 2 5 15] [--set acoustic_steps=1000 …]

The person is a machine: halfway between two of the teacher's voices (requirements/teach.txt), with transcripts and
nothing else, as a person's recordings are. The table tells how well Whisper understands the trained voice, and the
teacher, when they say `voice_model/eval.txt`. Needs `make coqui`, and both cores for themselves. FOLDER keeps all.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import soundfile

from bench.voices import SENTENCES, Heard, hear_recordings, hear_voice
from speech.korean.reader import Reader
from speech.settings import Settings
from speech.voices import SHIPPED, read_voices
from voice_model.recordings import write_sound
from voice_model.teacher import Teacher
from voice_model.teacher_texts import sentences
from worker.speaker import load_speech_models
from worker.whisper import Whisper

HALVES = ("jm_kumo", "jf_nezumi")
SEED = 11  # of the sentences; the shipped voices learned others
MEMBER, SLUG = 6, "person"
COLUMNS = "| minutes | recordings | training, min | error rate | mel | syllables a second |"


def main() -> None:
    """Record, train and measure: a row for each number of minutes, and the teacher's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[2, 5, 15])
    parser.add_argument("--set", dest="chosen", nargs="*", default=[])
    asked = parser.parse_args()
    texts = [text for text in SENTENCES.read_text("utf-8").split("\n") if text.strip()]
    record(asked.folder / "evaluation", texts)
    record(asked.folder / "recordings", sentences(SEED), 60 * max(asked.minutes))
    print(COLUMNS, "|---|---|---|---|---|---|", sep="\n", flush=True)
    whisper = Whisper.load(replace(Settings.from_env(), whisper_threads=2))
    for minutes in sorted(asked.minutes):
        folder = asked.folder / f"{minutes:g}"
        count = first(asked.folder / "recordings", folder, 60 * minutes)
        began = time.monotonic()
        train(folder, asked.chosen)
        took = (time.monotonic() - began) / 60
        told = json.loads((folder / "work" / "evaluation.json").read_text("utf-8"))
        heard = listened(whisper, folder / "voices", texts)
        print(
            row(f"{minutes:g}", f"{count}", f"{took:.1f}", heard, f"{told['mel']:.3f}"), flush=True
        )
    print(row("its teacher", "", "", hear_recordings(whisper, asked.folder / "evaluation", texts)))


def record(folder: Path, texts: Iterable[str], seconds: float = float("inf")) -> None:
    """The new voice says sentences until there are as many seconds, in the layout of LJSpeech; what is there stays."""
    base, reader, teacher = next(iter(read_voices(SHIPPED))), Reader(), Teacher(threads=2)
    teacher.voices[SLUG] = sum(teacher.voices[each] for each in HALVES) / len(HALVES)
    (folder / "wavs").mkdir(parents=True, exist_ok=True)
    lines, lasted = list[str](), 0.0
    for number, text in enumerate(texts):
        sound = folder / "wavs" / f"{number:04d}.wav"
        if not sound.exists():
            lesson = teacher.say(reader.read(text).reading, SLUG, base.rate, base.hop)
            if lesson is None:
                continue
            write_sound(sound, lesson.samples, base.rate)
        lines.append(f"{sound.stem}|{text}\n")
        lasted += soundfile.info(sound).duration
        if lasted >= seconds:
            break
    (folder / "metadata.csv").write_text("".join(lines), "utf-8")


def first(recordings: Path, folder: Path, seconds: float) -> int:
    """A folder with the first so many seconds of the recordings; how many those are."""
    (folder / "recordings").mkdir(parents=True, exist_ok=True)
    (folder / "recordings" / "wavs").symlink_to((recordings / "wavs").resolve())
    chosen = list[str]()
    for line in (recordings / "metadata.csv").read_text("utf-8").splitlines(keepends=True):
        if seconds <= 0:
            break
        chosen.append(line)
        seconds -= soundfile.info(recordings / "wavs" / f"{line.split('|')[0]}.wav").duration
    (folder / "recordings" / "metadata.csv").write_text("".join(chosen), "utf-8")
    return len(chosen)


def train(folder: Path, chosen: Sequence[str]) -> None:
    """What an operator would run."""
    options = [word for each in chosen for word in ("--set", each)]
    subprocess.run(
        [sys.executable, "-m", "moksori", "train", folder / "recordings", "--member", str(MEMBER),
         "--slug", SLUG, "--work", folder / "work", "--voices", folder / "voices", "--leave-out", *options],
        check=True, stdout=sys.stderr,
    )  # fmt: skip


def listened(whisper: Whisper, voices: Path, texts: list[str]) -> Heard:
    """What is understood of the trained voice."""
    speaker = load_speech_models(replace(Settings.from_env(), voices=str(voices)))
    voice = next(each for each in speaker.voices if each.member == MEMBER)
    return hear_voice(speaker, whisper, voice, texts)


def row(name: str, count: str, took: str, heard: Heard, mel: str = "") -> str:
    """One line of the table."""
    rate, pace = heard.rate_and_pace()
    return f"| {name} | {count} | {took} | {rate} | {mel} | {pace} |"


if __name__ == "__main__":
    main()
