"""Content types and rates of sound; apart from the encoders, which the server has no library for."""

SOUND_TYPES = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)  # Hz that all but Opus can be at
OPUS_RATE = 48_000  # what Opus files are at, whatever went in
