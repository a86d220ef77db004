"""The sentence for each error code, in English and Korean: what is wrong, then what to do.

The sentences are data: speech/messages.json, by code. A blank is a field of the error ({param} is the request
field at fault). A code is stable; a sentence may change.
"""

import json
from pathlib import Path

_TABLE = json.loads(Path(__file__).with_name("messages.json").read_text("utf-8"))
MESSAGES: dict[str, tuple[str, str]] = {
    code: (sentence["en"], sentence["ko"]) for code, sentence in _TABLE.items()
}


def say(code: str, language: str = "en", **fields: object) -> str:
    """The sentence of a code in `language` ("ko", else English), its blanks filled from `fields`."""
    english, korean = MESSAGES[code]
    shown = {
        name: ", ".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in fields.items()
    }
    return (korean if language == "ko" else english).format_map(_Blanks(shown))


class _Blanks(dict[str, object]):
    def __missing__(self, key: str) -> str:
        return "?"
