"""`moksori transcribe FILE`: a transcript or subtitles of one recording, without a server."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from moksori import terminal
from speech.cue_rules import PRESETS, rules_for
from speech.languages import parse_language
from speech.media import MediaLimits, decode
from speech.messages import say
from speech.settings import Settings
from speech.subtitles import WRITERS
from speech.transcript import Segment, Transcript
from speech.words import written_language
from worker.cuts import cut
from worker.engines import TranscribeOptions
from worker.listen import listen, merge, same_language
from worker.sentences import number_sentences
from worker.transcribe import load_transcription_models


@click.command("transcribe")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--format", "name", type=click.Choice(list(WRITERS)), default="txt", show_default=True
)
@click.option("--preset", type=click.Choice(list(PRESETS)), help="Cues of srt and vtt")
@click.option("--language", help="Code or name, such as ko; without it the language is detected")
@click.option("--translate", is_flag=True, help="Write in English what is said in any language")
@click.option("--prompt", help="Names and words to expect")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default: stdout"
)
def command(
    file: Path,
    name: str,
    preset: str | None,
    language: str | None,
    translate: bool,
    prompt: str | None,
    output: Path | None,
) -> None:
    """Write down what is said in FILE, any sound or video file."""
    options = TranscribeOptions(
        language=parse_language(language, "--language"),
        task="translate" if translate else "transcribe",
        prompt=prompt,
    )
    transcript = transcribe_file(file, options, Settings.from_env())
    written = WRITERS[name](transcript, rules_for(written_language(transcript), preset))
    if output is None:
        click.echo(written.encode(), nl=False)
    else:
        output.write_text(written, encoding="utf-8", newline="")


def transcribe_file(file: Path, options: TranscribeOptions, settings: Settings) -> Transcript:
    """The transcript of a file; progress and warnings go to stderr. Raises SpeechError."""
    with tempfile.TemporaryDirectory(prefix="moksori-") as folder:
        decoded = decode(file, Path(folder) / "samples", MediaLimits.from_settings(settings))
        for warning in decoded.warnings:
            _warn(**warning)
        engine = load_transcription_models(settings)
        spans = cut(decoded.path, decoded.samples, settings.part_seconds)
        options, _ = same_language(engine, decoded.path, spans, options)
        parts = []
        with click.progressbar(length=100, label="Listening", file=sys.stderr) as bar:
            for span in spans:
                begin = span[0] / decoded.samples

                def report(segment: Segment, begin: float = begin) -> None:
                    here = begin + segment.end / decoded.duration
                    bar.update(max(0, round(here * 100) - bar.pos))

                parts.append(
                    (
                        begin * decoded.duration,
                        listen(engine, decoded.path, span, options, report),
                    )
                )
            bar.update(100 - bar.pos)
    transcript = number_sentences(merge(parts))
    if not transcript.segments:
        _warn("no_speech")
    return transcript


def _warn(code: str, **fields: Any) -> None:
    click.echo(say(code, terminal.language(), **fields), err=True)
