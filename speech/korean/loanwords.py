"""The sounds of an English word in Hangul, by the 외래어 표기법 제3장 제1절 (its paragraphs are named below)."""

import unicodedata
from dataclasses import dataclass

# Conjoining jamo by their compatible forms, which an editor keeps as they are.
_ONSET_NAMES, _ONSET_FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ", 0x1100
_VOWEL_NAMES, _VOWEL_FIRST = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ", 0x1161
_CODAS = dict(
    zip(("", *"ㄱㄴㄹㅁㅂㅅㅇ"), ("", *"\u11a8\u11ab\u11af\u11b7\u11b8\u11ba\u11bc"), strict=True)
)
_ONSETS = dict(
    zip(
        "P T K B D G F V S Z TH DH TS DZ CH JH SH ZH M N NG L R HH".split(),
        "ㅍㅌㅋㅂㄷㄱㅍㅂㅅㅈㅅㄷㅊㅈㅊㅈㅅㅈㅁㄴㅇㄹㄹㅎ",
        strict=True,
    )
)
_TAILS = {"P": "ㅂ", "T": "ㅅ", "K": "ㄱ", "M": "ㅁ", "N": "ㄴ", "NG": "ㅇ", "L": "ㄹ"}
_SONORANTS = ("L", "R", "M", "N")
_Y = dict(zip("ㅏㅐㅓㅔㅗㅜㅣㅡ", "ㅑㅒㅕㅖㅛㅠㅣㅡ", strict=True))
_W = dict(zip("ㅏㅐㅓㅔㅗㅜㅣㅡ", "ㅘㅙㅝㅞㅝㅜㅟㅜ", strict=True))
_AU = "ㅏㅜ"
_FINAL = {"SH": "ㅣ", "ZH": "ㅣ", "CH": "ㅣ", "JH": "ㅣ"}


@dataclass(frozen=True)
class Sound:
    """A sound by its ARPABET name; a vowel has the Hangul vowels that write it too."""

    name: str = ""
    vowels: str = ""
    short: bool = False  # a short vowel: a stop after it closes its syllable


def hangul(sounds: list[Sound]) -> str:
    """The word in Hangul."""
    syllables: list[list[str]] = []
    for place, sound in enumerate(sounds):
        before = sounds[place - 1] if place else Sound()
        after = sounds[place + 1] if place + 1 < len(sounds) else Sound()
        then = sounds[place + 2] if place + 2 < len(sounds) else Sound()
        if sound.vowels:
            _vowel(sound, before, sounds[place - 2] if place > 1 else Sound(), syllables)
        elif sound.name == "R" and not _voiced(sound, after):
            if place < 2 or sounds[place - 2].name != "W":  # war is 워
                _silent_r(before, after, syllables)
        elif sound.name not in ("Y", "W") and not _voiced(sound, after):
            _closing(sound, before, after, then, syllables)
        elif sound.name == "L" and syllables and before.name not in ("M", "N"):
            _close(syllables, "ㄹ")  # 제6항 2: ㄹㄹ between vowels
        elif sound.name == "NG":
            _close(syllables, "ㅇ")
    return "".join(_compose(*syllable) for syllable in syllables)


def _voiced(sound: Sound, after: Sound) -> bool:
    """True where a vowel follows, or a glide that the consonant takes into its syllable (제9항)."""
    glides = ("Y", "W") if sound.name in ("K", "G", "HH") else ("Y",)
    return bool(after.vowels) or after.name in glides


def _vowel(sound: Sound, before: Sound, further: Sound, syllables: list[list[str]]) -> None:
    first, rest = sound.vowels[0], sound.vowels[1:]
    onset = _onset(before, further)
    if before.vowels == _AU and first == "ㅓ":  # 제8항: 타워, 파워
        syllables[-1] = ["ㅇ", "ㅝ", ""]
        return
    if before.name == "Y" and first == "ㅓ" and further.name in ("D", "L", "N"):  # 제9항 3: 밀리언
        syllables += [[onset, "ㅣ", ""], ["ㅇ", first, ""]]
    else:
        glides = {"W": _W, "Y": _Y, "SH": _Y}.get(before.name, {})  # 제9항, 제3항 2
        syllables.append([onset, glides.get(first, first), ""])
    syllables += [["ㅇ", vowel, ""] for vowel in rest]


def _onset(before: Sound, further: Sound) -> str:
    """The first consonant of a syllable: of the sound before its vowel, or before its glide."""
    if before.name == "ER":  # camera: its R is heard before a vowel
        return "ㄹ"
    if before.name == "W":
        return _ONSETS[further.name] if further.name in ("K", "G", "HH") else "ㅇ"
    if before.name == "Y":
        return _ONSETS.get(further.name, "ㅇ")
    return "ㅇ" if before.name == "NG" else _ONSETS.get(before.name, "ㅇ")


def _silent_r(before: Sound, after: Sound, syllables: list[list[str]]) -> None:
    """R that closes a syllable is heard as 어 after ㅣ, ㅔ, ㅜ, and after ㅗ at the end: 에어, 스토어."""
    last = before.vowels[-1:]
    if last in ("ㅣ", "ㅔ", "ㅐ", "ㅜ") or (last == "ㅗ" and not after.name):
        syllables.append(["ㅇ", "ㅓ", ""])


def _closing(
    sound: Sound, before: Sound, after: Sound, then: Sound, syllables: list[list[str]]
) -> None:
    """A consonant before another or at the end: a last consonant (제1, 5, 6항), or a syllable in ㅡ or ㅣ."""
    name = sound.name
    stop = name in ("P", "T", "K")
    if name in ("M", "N", "NG", "L") or (
        stop and before.short and after.name not in (*_SONORANTS, "W")
    ):
        if not _close(syllables, _TAILS[name]):
            syllables.append([_ONSETS[name], "ㅡ", ""])
        if name == "L" and after.name in ("M", "N") and not then.vowels:  # 제6항 2: 필름
            syllables.append(["ㄹ", "ㅡ", ""])
    elif name == "SH" and after.name:
        syllables.append(["ㅅ", "ㅠ", ""])
    else:
        syllables.append([_ONSETS[name], _FINAL.get(name, "ㅡ"), ""])


def _close(syllables: list[list[str]], tail: str) -> bool:
    if not syllables or syllables[-1][2]:
        return False
    syllables[-1][2] = tail
    return True


def _compose(onset: str, vowel: str, coda: str) -> str:
    jamo = chr(_ONSET_FIRST + _ONSET_NAMES.index(onset))
    jamo += chr(_VOWEL_FIRST + _VOWEL_NAMES.index(vowel)) + _CODAS[coda]
    return unicodedata.normalize("NFC", jamo)
