"""Sentences for a teacher to say, drawn morpheme by morpheme from Kiwi's language model.

What a voice learns from has to bring every sound into every neighbourhood; sense matters less. The model knows what
follows what in Korean, so the sentences inflect and go on as written Korean does; each begins with one of 30,000 words.
(kiwipiepy 0.21 and later, CoNg models: https://bab2min.github.io/kiwipiepy/)
"""

import math
import random
import re
from collections.abc import Iterator
from typing import Any

from kiwipiepy import Kiwi

FIRST = ("NNG", "NNP", "NP", "MAG", "MM")  # what a sentence may begin with
NEVER = frozenset(
    "SL SN SH SW SO SS SSO SSC SE SB IC UN XR Z_CODA "
    "W_URL W_EMAIL W_HASHTAG W_MENTION W_EMOJI W_SERIAL".split()
)
MORPHEMES = range(200, 40_000)  # by frequency
SHORTEST, LONGEST = 14, 62  # letters
POLITE = 0.65  # of the sentences: the model learned from newspapers, whose endings are few
VERB = [("습니다", ".")] * 4 + [("어요", ".")] * 4
VERB += [("네요", "."), ("거든요", "."), ("는데요", "."), ("지요", "?"), ("나요", "?")]
VERB += [("습니까", "?"), ("ᆯ까요", "?"), ("어요", "?")]
NOUN = [("ᆸ니다", ".")] * 3 + [("네요", "."), ("ᆫ가요", "?"), ("지요", "?"), ("라고요", "?")]
ASKING = re.compile("[까냐니가나]$")


def sentences(seed: int) -> Iterator[str]:
    """Sentences of Hangul, spaces and ".,?", none twice, without end; the same for a seed and a version of Kiwi."""
    kiwi, rng = Kiwi(), random.Random(seed)
    words = _words(kiwi)
    seen = set[str]()
    while True:
        text = _sentence(kiwi, rng, words)
        fits = SHORTEST <= len(text) <= LONGEST and re.fullmatch("[가-힣 ,.?]+", text)
        if fits and text not in seen:
            seen.add(text)
            yield text


def _words(kiwi: Any) -> list[tuple[str, str, int]]:
    known = ((kiwi.morpheme(number), number) for number in MORPHEMES)
    return [
        (each.form, each.tag, number)
        for each, number in known
        if each.tag in FIRST and re.fullmatch("[가-힣]{1,4}", each.form)
    ]


def _sentence(kiwi: Any, rng: random.Random, words: list[tuple[str, str, int]]) -> str:
    """One sentence, or nothing where the model finds no end in time."""
    form, tag, number = rng.choice(words)
    chain, numbers, length = [(form, tag)], [number], rng.randint(5, 22)
    for step in range(length + 14):
        choices = _choices(kiwi.predict_next_morpheme(numbers[-6:], top_n=120), step, length)
        if not choices:
            return ""
        weights = [math.exp(each.score) for each in choices]
        (chosen,) = rng.choices(choices, weights)
        chain.append((chosen.form, chosen.tag))
        numbers.append(chosen.id)
        if chosen.tag == "EF":
            return str(kiwi.join(_ended(chain, rng)))
        if chosen.tag == "SF":
            return str(kiwi.join(chain))
    return ""


def _choices(offered: list[Any], step: int, length: int) -> list[Any]:
    """What may follow: no end in the first steps, an end as soon as it can be after the last."""
    known = [
        each
        for each in offered
        if each.tag.split("-")[0] not in NEVER and re.fullmatch("[가-힣ᆨ-ᇂ]+|[.?,]", each.form)
    ]
    ends = [each for each in known if each.tag in ("EF", "SF")]
    if step < 4:
        return [each for each in known if each not in ends]
    return ends if ends and step >= length else known


def _ended(chain: list[tuple[str, str]], rng: random.Random) -> list[tuple[str, str]]:
    """The chain with its stop, its ending often a polite one."""
    before = chain[-2][1]
    if rng.random() < POLITE and before != "VCN":
        form, stop = rng.choice(NOUN if before == "VCP" else VERB)
        return [*chain[:-1], (form, "EF"), (stop, "SF")]
    return [*chain, ("?" if ASKING.search(chain[-1][0]) else ".", "SF")]
