"""Where a speaker breathes in a sentence that is too long for one breath."""

import re

# From the best place to the worst: signs, endings that join clauses, particles, any space.
_PLACES = (
    re.compile(r"[;:—–][ \t]+|[,、，][ \t]+|[、，]"),
    re.compile(
        r"(?:(?<![라다자냐])고|며|면서|지만|는데|은데|니까|므로|아서|어서|여서|면|거나|려고|도록|으나|더니|자마자"
        r"|때문에|위해|따라|통해)[ \t]+"
    ),
    re.compile(r"(?:은|는|에서|에게|부터|까지|으로|라고)[ \t]+"),
    re.compile(r"\s+"),
)


def breath(text: str, longest: int) -> int:
    """Where to cut `text`, of more than `longest` characters: after the last good place in its last two thirds.

    Where there is no space at all, after `longest` characters.
    """
    for places in _PLACES:
        ends = [
            match.end()
            for match in places.finditer(text)
            if longest // 3 <= match.start() and len(text[: match.end()].rstrip()) <= longest
        ]
        if ends:
            return ends[-1]
    return longest
