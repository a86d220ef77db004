"""`moksori say`: a text into a file, by the code that runs jobs; needs no server."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import click

from moksori.terminal import language
from speech.encode import FORMATS, find_format
from speech.errors import InvalidRequest
from speech.korean.sentences import sentences
from speech.messages import say
from speech.settings import Settings


@click.command("say")
@click.argument("text")
@click.option("--member", "voice", default="1", show_default=True, help="Member id, slug or name")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), default="hi.wav")
@click.option("--speed", type=click.FloatRange(0.25, 4.0), default=1.0, show_default=True)
@click.option("--format", "form", type=click.Choice(list(FORMATS)), help="Else by the file's name")
@click.option("--captions", type=click.Choice(["srt", "vtt", "json"]), help="Write these beside it")
def command(
    text: str, voice: str, output: Path, speed: float, form: str | None, captions: str | None
) -> None:
    """Speak TEXT with a member's voice into a file."""
    form = form or output.suffix.removeprefix(".") or "wav"
    find_format(form, "--format")
    seconds, left_out = _say(text, {"voice": voice, "speed": speed}, output, form, captions)
    click.echo(f"{output}: {seconds:.2f} s")
    if left_out:
        told = say("characters_left_out", language(), characters=" ".join(left_out))
        click.echo(told, err=True)


def _say(
    text: str, asked: dict[str, Any], output: Path, form: str, captions: str | None
) -> tuple[float, list[str]]:
    # Models load only after the options were understood.
    from worker.asked import read_request
    from worker.recording import Finish, Recording
    from worker.speak import record
    from worker.speaker import load_speech_models
    from worker.told import Told

    settings = Settings.from_env()
    speaker = load_speech_models(settings)
    request = read_request({"input": text, **asked}, speaker)
    lines = speaker.read(sentences(text, settings.sentence_characters), request)
    formats = [form, *([captions] if captions else [])]
    with tempfile.TemporaryDirectory() as folder:
        finish = Finish(loudness=settings.speech_loudness or None)
        with Recording(Path(folder), formats, request.voice.rate, finish) as recording:
            for utterance in speaker.speak(lines, request):
                record(utterance, recording)
            if not recording.segments:
                raise InvalidRequest("nothing_to_speak", param="TEXT")
            sound, *others = recording.finish(text, request.voice.language, {})
        shutil.move(sound.path, output)
        for other in others:
            shutil.move(other.path, output.with_suffix(other.path.suffix))
    return recording.duration, list(Told(lines).unknown)
