"""What a speech worker does about voices that its manifest has gained, lost or changed since it loaded them."""

from collections.abc import Callable
from typing import Any

from speech.errors import Internal, NotFound, Unavailable
from speech.manifest import newest_voices
from speech.settings import Settings
from speech.voices import Voice, Voices
from voice_model.engines import fetch
from worker.speaker import Speaker, load_speaker


def newer(settings: Settings, speaker: Speaker) -> Callable[[], Speaker] | None:
    """Fetches the newest voices; what then loads them, or None when `speaker` has them already.

    Voices whose files could not be had are tried again too. Raises ValueError for a broken manifest, Unavailable
    ("models_unreachable"), and Internal("voices_lacking") when there are no newer ones and these still lack files.
    """
    speaker.behind = False
    voices, lacking = newest_voices(settings), speaker.engine.lacking
    same = voices.stamp == speaker.voices.stamp
    if same and not lacking:
        return None
    failed = fetch(voices, settings)
    if same and lacking <= failed.keys():
        reason = "; ".join(sorted(failed.values()))
        raise Internal("voices_lacking", models=sorted(lacking), reason=reason)
    return lambda: _replaced(speaker, voices, settings)


def wait_for_new_voice(asked: Any, speaker: Speaker, settings: Settings) -> None:
    """Sends a job back whose voice the server knows already and this worker does not.

    Raises Unavailable("voice_not_loaded_yet"), and Internal("voice_broken") when the voices that it came with were
    tried and could not be taken. A voice that nobody knows is for the caller to refuse.
    """
    if not settings.reload_seconds or _find(speaker.voices, asked):
        return
    try:
        voices = newest_voices(settings)
    except (ValueError, Unavailable) as error:  # not to be had just now; the server has had it
        raise Unavailable("voice_not_loaded_yet", voice=str(asked)) from error
    voice = _find(voices, asked)
    if voice and speaker.refused == voices.stamp:
        raise Internal("voice_broken", voice=voice.slug)
    if voice:
        speaker.behind = True
        raise Unavailable("voice_not_loaded_yet", voice=voice.slug)


def _replaced(speaker: Speaker, voices: Voices, settings: Settings) -> Speaker:
    """The new voices, loaded; refused as a whole when one that speaks now and stays would not speak."""
    speaker.refused = voices.stamp
    new = load_speaker(voices, speaker.reader, settings)
    speaking = {voice.member for voice in speaker.voices} - speaker.engine.broken.keys()
    lost = {member: why for member, why in new.engine.broken.items() if member in speaking}
    if lost:
        names = [voice.slug for voice in voices if voice.member in lost]
        raise Internal("voices_not_taken", voices=names, reason="; ".join(set(lost.values())))
    return new


def _find(voices: Voices, asked: Any) -> Voice | None:
    try:
        return voices.find(asked)
    except NotFound:
        return None
