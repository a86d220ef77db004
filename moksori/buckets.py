"""What `moksori doctor` says of models in a bucket: whether this machine's cache has what the bucket has."""

from moksori.look import Look
from speech.errors import SpeechError
from speech.settings import Settings


def voices_in_bucket(settings: Settings) -> Look:
    """The files of the newest manifest, against the cache."""
    from speech.manifest import newest_voices
    from voice_model.engines import choose, roles
    from voice_model.fetching import is_here

    try:
        voices = newest_voices(settings)
    except (SpeechError, ValueError) as error:
        return Look(False, f"the voices' bucket: {error}", "mend the manifest, or the rights")
    wanted = roles(choose(voices, settings))
    lacking = [voice.slug for voice in voices if not is_here(voice, wanted, settings)]
    if lacking:
        what = f"the cache lacks files that the bucket has: {', '.join(lacking)}"
        return Look(False, what, "moksori voices fetch")
    return Look(True, "the cache has all that the voices' bucket has")


def whisper_in_bucket(settings: Settings) -> Look:
    """The weights in the bucket, against the cache."""
    from worker import whisper_bucket

    try:
        weights = whisper_bucket.newest(settings)
    except (SpeechError, ValueError) as error:
        return Look(False, f"Whisper's bucket: {error}", "mend the folder, or the rights")
    if whisper_bucket.find(weights, settings) is None:
        return Look(False, "the cache lacks what Whisper's bucket has", "moksori prepare")
    return Look(True, f"the cache has what Whisper's bucket has, version {weights.version[:12]}")
