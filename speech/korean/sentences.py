"""A Korean text, cut into sentences that can be spoken one at a time."""

import re

LONGEST = 150  # characters of one sentence; longer ones are cut where a speaker would breathe
_CLOSERS = "\"'”’」』》〉)]"
_OPENERS = {"“": "”", "‘": "’", "「": "」", "『": "』"}
_END = re.compile(rf"(?:[.!?。！？…]+[{re.escape(_CLOSERS)}]*(?=\s|$)|[。！？]+|\n+)")
# 했다.그리고: no space, yet an end; 3.14 and a.b.com are none.
_TIGHT = re.compile(r"(?<=[다요까죠네])[.!?]+(?=[가-힣])")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:[A-Za-z]|No|Dr|Mr|Ms|Mrs|vs|St|Prof)\.$")
_BREATHS = (re.compile(r"[,;:、，]\s*"), re.compile(r"\s+"))


def sentences(text: str, longest: int = LONGEST) -> list[str]:
    """The sentences of `text`, stripped, none empty, none over `longest` characters.

    Nothing but white space is lost. Decimal points, addresses and initials end no sentence, nor does a
    point between quotation marks that are closed on the same line.
    """
    found, start = [], 0
    for end in _ends(text):
        found.extend(_short(text[start:end].strip(), longest))
        start = end
    return found + _short(text[start:].strip(), longest)


def paragraphs(text: str, longest: int) -> list[str]:
    """Neighbouring sentences joined up to `longest` characters each: the parts of a long text."""
    parts: list[str] = []
    for sentence in sentences(text):
        if parts and len(parts[-1]) + 1 + len(sentence) <= longest:
            parts[-1] += " " + sentence
        else:
            parts.append(sentence)
    return parts


def _ends(text: str) -> list[int]:
    quoted = _quoted(text)
    ends = [
        match.end()
        for pattern in (_END, _TIGHT)
        for match in pattern.finditer(text)
        if not _inside(match, quoted) and not _ABBREVIATION.search(text[: match.end()][-8:])
    ]
    return sorted(set(ends))


def _quoted(text: str) -> list[tuple[int, int]]:
    pairs = [re.escape(opener) + r"[^\n]*?" + closer for opener, closer in _OPENERS.items()]
    pattern = re.compile("|".join([*pairs, r'"[^"\n]*"']))
    return [match.span() for match in pattern.finditer(text)]


def _inside(match: re.Match[str], quoted: list[tuple[int, int]]) -> bool:
    """True when the end stands between quotation marks, or closes a quotation that its sentence goes on after."""
    if "\n" in match[0]:
        return False
    for start, end in quoted:
        if start <= match.start() < end:
            return match.end() < end or _goes_on(match.string[match.end() :])
    return False


def _goes_on(rest: str) -> bool:
    """True after a quotation that is part of a sentence: "안녕." 하고 말했다, "안녕."이라고."""
    return bool(re.match(r" ?(?:하고|라고|이라고|라는|이라는|라며|라면서|하며)", rest))


def _short(sentence: str, longest: int) -> list[str]:
    pieces = []
    while len(sentence) > longest:
        cut = _breath(sentence, longest)
        pieces.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [piece for piece in (*pieces, sentence) if piece]


def _breath(sentence: str, longest: int) -> int:
    for pattern in _BREATHS:
        places = [match.end() for match in pattern.finditer(sentence[:longest])]
        late = [place for place in places if place >= longest // 3]
        if late:
            return late[-1]
    return longest
