"""Emoji and their Korean names, by the package `emoji` (names of the Unicode CLDR)."""

import re
from functools import cache

import emoji

# Signs of old that are emoji too and have a reading of their own here.
_NOT_PICTURES = "©®™"
_MAYBE = re.compile("[\u203c-\u3299\u20e3\ufe0f\U0001f000-\U0001faff]")


def sequences(text: str) -> dict[int, int]:
    """Where each emoji of `text` starts, with its end; one of several characters is one."""
    if not _MAYBE.search(text):
        return {}
    found = emoji.emoji_list(text)
    return {
        each["match_start"]: each["match_end"]
        for each in found
        if each["emoji"][0] not in _NOT_PICTURES
    }


@cache
def name(sequence: str) -> str:
    """The Korean name of an emoji: 활짝 웃는 얼굴. It may hold digits or Latin letters."""
    emoji.config.load_language("ko")
    data = emoji.EMOJI_DATA.get(sequence, {})
    return str(data.get("ko", "")).strip(":").replace("_", " ").replace(":", "")
