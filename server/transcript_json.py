"""Transcripts and cues as JSON, for a page beside a player and for the player itself."""

from dataclasses import asdict
from itertools import groupby
from typing import Any

from server.transcript_view import View
from speech.corrections import text_of
from speech.cue_checks import broken, line_lengths, report, speed, with_previous
from speech.cue_rules import CueRules
from speech.cues import Cue
from speech.syllables import syllables
from speech.transcript import Word
from speech.words import Placed, sentence_numbers

Speakers = dict[int, str | None]


def transcript_json(view: View, with_syllables: bool = False) -> dict[str, Any]:
    """What a transcript page needs: sentences, cues, words, and who speaks where that is known."""
    told, speakers = view.transcript, speakers_of(view)
    return {
        "id": view.job.id,
        "object": "transcript",
        "version": view.version,
        "language": told.language,
        "language_probability": told.language_probability,
        "task": told.task,
        "duration": told.duration,
        "engine": told.engine,
        "text": text_of(view.words),
        "speakers": list(dict.fromkeys(one for one in speakers.values() if one)),
        "sentences": sentences_json(view.words, speakers),
        "cues": cues_json(view.cues, view.rules),
        "words": [_word(one, speakers, with_syllables) for one in view.words],
    }


def cue_file(view: View) -> dict[str, Any]:
    """The cues alone, the rules they were cut by, and a report of them."""
    cues = view.cues
    return {
        "id": view.job.id,
        "object": "cues",
        "version": view.version,
        "language": view.transcript.language,
        "duration": view.transcript.duration,
        "preset": view.preset,
        "rules": asdict(view.rules),
        "report": report(cues, view.rules),
        "cues": cues_json(cues, view.rules),
    }


def cues_json(cues: list[Cue], rules: CueRules) -> list[dict[str, Any]]:
    """Each cue with its id, the ids of its words, its times, lines and what it breaks."""
    return [
        {
            "id": cue.id,
            "first": cue.first,
            "last": cue.last,
            "start": cue.start_ms / 1000,
            "end": cue.end_ms / 1000,
            "text": cue.text,
            "lines": list(cue.lines),
            "line_lengths": line_lengths(cue, rules),
            "characters_per_second": speed(cue, rules),
            "breaks": [fault.rule for fault in broken(cue, before, rules)],
        }
        for cue, before in with_previous(cues)
    ]


def sentences_json(words: list[Placed], speakers: Speakers) -> list[dict[str, Any]]:
    """Each sentence with its times, the ids of its words, and its speaker where it has only one."""
    numbered = zip(sentence_numbers([one.word for one in words]), words, strict=True)
    found = []
    for number, (_, group) in enumerate(groupby(numbered, key=lambda one: one[0])):
        said = [one for _, one in group]
        voices = {speakers.get(one.first) for one in said}
        found.append(
            {
                "id": number,
                "first": said[0].first,
                "last": said[-1].last,
                "start": said[0].word.start,
                "end": said[-1].word.end,
                "text": text_of(said),
                "speaker": voices.pop() if len(voices) == 1 else None,
            }
        )
    return found


def speakers_of(view: View) -> Speakers:
    """The speaker of each word as heard, by its id."""
    labels = (segment.speaker for segment in view.transcript.segments for _ in segment.words)
    return dict(enumerate(labels))


def _word(one: Placed, speakers: Speakers, with_syllables: bool) -> dict[str, Any]:
    told = {
        "first": one.first,
        "last": one.last,
        "word": one.word.word,
        "start": one.word.start,
        "end": one.word.end,
        "probability": one.word.probability,
        "sentence": one.word.sentence,
        "time_source": one.word.time_source,
        "speaker": speakers.get(one.first),
    }
    return told | (
        {"syllables": [_syllable(s) for s in syllables(one.word)]} if with_syllables else {}
    )


def _syllable(one: Word) -> dict[str, Any]:
    return {
        "text": one.word,
        "start": one.start,
        "end": one.end,
        "time_source": one.time_source,
    }
