"""The cue rules written a second time, from their words and not from the builder: what a list of cues breaks.

The checker works on the words that a cue shows, whole milliseconds, and nothing that `speech.cues` computes.
"""

import unicodedata

from speech.cue_rules import CueRules
from speech.words import Placed


def faults(words: list[Placed], cues: list, rules: CueRules) -> list[str]:
    """Every sentence of the rules that `cues` break for these words."""
    shown = [one for one in words if one.word.word.replace("\0", "").strip()]
    groups = divide(shown, cues)
    if groups is None:
        return ["a word is lost, doubled or out of its place"]
    found = [fault for pair in zip(groups, cues, strict=True) for fault in of_a_cue(*pair, rules)]
    for n in range(1, len(cues)):
        found += between(groups[n - 1], groups[n], cues[n - 1], cues[n], rules)
    for n, group in enumerate(groups):
        for cut in range(1, len(group)):
            if must_break(group[:cut], group[cut], rules):
                found.append(f"cue {n} goes on before word {group[cut].first}")
    return found


def divide(words, cues):
    """The words of each cue, or None when they are not all the words in order."""
    groups, at = [], 0
    for cue in cues:
        group = [one for one in words[at:] if cue.first <= one.first and one.last <= cue.last]
        if not group or group != words[at : at + len(group)]:
            return None
        if squeezed("".join(cue.lines)) != squeezed("".join(one.word.word for one in group)):
            return None
        groups.append(group)
        at += len(group)
    return groups if at == len(words) else None


def of_a_cue(group, cue, rules):
    """What one cue does wrong by itself."""
    if not isinstance(cue.start_ms, int) or not isinstance(cue.end_ms, int):
        yield "times are whole milliseconds"
    if cue.end_ms <= cue.start_ms:
        yield "a cue ends after it starts"
    if not cue.lines or any(not line or line != line.strip() for line in cue.lines):
        yield "no line is empty or padded"
    if rules.line_chars and any(size(line, rules) > rules.line_chars for line in cue.lines):
        yield "no line is longer than allowed"
    forced = len(group) == 1 or spoken(group[:-1]) < 1000 * rules.min_seconds
    if not forced and len(cue.lines) > rules.max_lines:
        yield "no cue has more lines than allowed"


def between(before, after, first, second, rules):
    """What two neighbours do wrong."""
    if second.start_ms < first.end_ms:
        yield "cues do not overlap"
    if 0 < second.start_ms - first.end_ms <= 1000 * rules.join_gap:
        yield "a small gap is closed"
    if not must_break(before, after[0], rules):
        yield f"nothing asks for a break before word {after[0].first}"


def must_break(line, word, rules):
    """Whether the rules, in their order, want a new cue for `word` after `line`."""
    if word.speaker != line[-1].speaker:
        return True
    if rules.pause and milliseconds(word.word.start) - end_of(line) >= 1000 * rules.pause:
        return True
    if spoken(line) < 1000 * rules.min_seconds:
        return False
    if spoken(line) > 1000 * rules.max_seconds:
        return True
    whole = size(text_of([*line, word]), rules)
    if whole > rules.sentence_chars and word.word.sentence != line[-1].word.sentence:
        return True
    return whole > rules.max_chars or lines_needed([*line, word], rules) > rules.max_lines


def spoken(line):
    """Milliseconds from a line's first word to the end of its last."""
    return end_of(line) - milliseconds(line[0].word.start)


def end_of(line):
    return milliseconds(line[-1].word.end)


def lines_needed(group, rules):
    """Lines of the fullest filling; words that no line holds are cut anywhere."""
    if not rules.line_chars:
        return 1
    lines = [""]
    for text in (one.word.word.replace("\0", "") for one in group):
        for number, token in enumerate(text.split()):
            spaced = (number or text[:1].isspace()) and lines[-1]
            longer = f"{lines[-1]} {token}" if spaced else lines[-1] + token
            if size(longer, rules) <= rules.line_chars:
                lines[-1] = longer
                continue
            lines.append("")
            for character in token:
                if size(lines[-1] + character, rules) > rules.line_chars:
                    lines.append("")
                lines[-1] += character
    return sum(map(bool, lines))


def text_of(group):
    """A line's text with single spaces, where its words have one before them."""
    parts = [one.word.word.replace("\0", "") for one in group]
    joined = "".join((" " if p[:1].isspace() else "") + " ".join(p.split()) for p in parts)
    return joined.strip()


def squeezed(text):
    return "".join(text.replace("\0", "").split())


def size(text, rules):
    """Length with spaces; Korean broadcast counts what is not full width half."""
    if not rules.half_width:
        return len(text)
    wide = sum(unicodedata.east_asian_width(c) in ("W", "F") for c in text)
    return wide + (len(text) - wide) / 2


def milliseconds(seconds):
    return round(seconds * 1000)
