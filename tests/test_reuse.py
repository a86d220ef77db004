"""What was heard before is not decoded again, and failures are told where the result was promised."""

import json

import pytest

from speech import lexicon_rows, notices
from speech.jobs import NewJob
from speech.lexicon import NewEntry
from speech.settings import Settings
from speech.sweeper import expire
from tests.hearing_fixtures import Hearing, melody
from tests.media_fixtures import wav

pytestmark = pytest.mark.slow  # each decodes in a process of its own
WANTED = {"outputs": ("lectures/1/transcript.json",), "promised": ("transcript.json",)}


@pytest.fixture
def hearing(store, tmp_path):
    return Hearing(store, Settings(data_dir=str(tmp_path), part_seconds=6.0))


@pytest.fixture
def tune(hearing, tmp_path):
    """Puts the same recording into storage once more; its place."""
    media = wav(tmp_path / "tune.wav", melody([300, 500]))
    return lambda: hearing.put(media)


def text_of(hearing, job, name):
    (made,) = [one for one in job.artifacts if one.name == name]
    return b"".join(hearing.storage.open(made.key)).decode()


def test_the_same_recording_is_decoded_once_and_other_formats_come_from_its_words(hearing, tune):
    first = hearing.job({"language": "ko"}, input=tune())
    again = hearing.job({"language": "ko", "formats": ["srt"]}, input=tune())
    assert len(hearing.engine.asked) == 1
    assert again.result == first.result | {"reused_from": first.id}
    assert again.usage["audio_seconds"] == first.usage["audio_seconds"]
    assert "--> 00:00:02,500\n300 500" in text_of(hearing, again, "transcript.srt")
    assert text_of(hearing, again, "transcript.json") == text_of(hearing, first, "transcript.json")
    assert len(hearing.store.pieces(again)) == 2  # who streams hears all the same


@pytest.mark.parametrize(
    "other",
    [{"language": "en"}, {"beam_size": 1}, {"channel": "left"}, {"cache": False}, {"prompt": "a"}],
)
def test_another_way_of_listening_is_another_transcript(hearing, tune, other):
    hearing.job({"language": "ko"}, input=tune())
    again = hearing.job({"language": "ko"} | other, input=tune())
    assert "reused_from" not in again.result
    assert len(hearing.engine.asked) == 2


def test_names_are_written_into_what_was_heard_before_and_into_nothing_else(hearing, tune):
    names = {"names": [{"written": "삼백", "spoken": ["300"]}]}
    first = hearing.job({"language": "ko"}, input=tune())
    named = hearing.job({"language": "ko"} | names, input=tune())
    again = hearing.job({"language": "ko"} | names, input=tune())
    plain = hearing.job({"language": "ko"}, input=tune())
    assert len(hearing.engine.asked) == 1
    told = [job.result["text"] for job in (first, named, again, plain)]
    assert told == ["300 500", "삼백 500", "삼백 500", "300 500"]
    assert [named.result["reused_from"], again.result["reused_from"]] == [first.id, named.id]


def test_a_lexicon_that_changed_is_written_into_what_was_heard_before(hearing, tune):
    first = hearing.job({"language": "ko"}, input=tune())
    with hearing.store.writing() as tx:
        lexicon_rows.add(tx, first.tenant, NewEntry("삼백", "300"), most=10)
    again = hearing.job({"language": "ko"}, input=tune())
    without = hearing.job({"language": "ko", "lexicon": False}, input=tune())
    assert len(hearing.engine.asked) == 1
    told = [job.result["text"] for job in (first, again, without)]
    assert told == ["300 500", "삼백 500", "300 500"]


def test_another_tenant_hears_for_itself(hearing, tune):
    hearing.job(input=tune())
    new = NewJob("transcription", "transcription", {}, tenant="acme", input=tune())
    job, _ = hearing.store.create(new)
    assert hearing.runner.run_next("transcription")
    assert "reused_from" not in hearing.store.get(job.id, "acme").result


def test_another_model_hears_for_itself(hearing, tune, monkeypatch):
    hearing.job(input=tune())
    monkeypatch.setattr(hearing.engine, "describe", lambda: {"name": "tones", "model": "other"})
    assert "reused_from" not in hearing.job(input=tune()).result


def test_another_recording_is_heard(hearing, tune, tmp_path):
    hearing.job(input=tune())
    other = hearing.job(input=hearing.put(wav(tmp_path / "b.wav", melody([700]))))
    assert other.result["text"] == "700"


def test_a_long_recording_is_reused_once_it_is_joined(hearing, tmp_path):
    media = wav(tmp_path / "long.wav", melody([300, 500, 700, 900, 1100, 1300, 1500, 1700]))
    first = hearing.job(input=hearing.put(media), priority="batch")
    decoded = len(hearing.engine.asked)
    assert first.children["succeeded"] == decoded > 1
    again = hearing.job(input=hearing.put(media), priority="batch")
    assert again.result["reused_from"] == first.id
    assert (again.children["total"], len(hearing.engine.asked)) == (0, decoded)


def test_what_was_erased_is_heard_again(hearing, tune):
    first = hearing.job(input=tune())
    hearing.storage.delete(first.artifacts[0].key)
    again = hearing.job(input=tune())
    assert (again.state, "reused_from" in again.result) == ("succeeded", False)
    hearing.storage.delete(again.artifacts[0].key)
    hearing.store.erase(again.id, "default")
    assert hearing.job(input=tune()).state == "succeeded"


def error_json(hearing):
    return json.loads(b"".join(hearing.storage.open("lectures/1/error.json")))


def test_a_failure_is_told_beside_the_promised_output(hearing, tmp_path):
    (tmp_path / "text").write_text("no sound")
    job = hearing.job(input=hearing.put(tmp_path / "text"), **WANTED)
    assert job.state == "failed"
    told = error_json(hearing)
    assert (told["job"], told["error"]["code"]) == (job.id, "media_unreadable")
    assert "Accepted" in told["error"]["message"]


def test_a_failure_that_no_worker_saw_is_told_by_the_next_one(hearing, tune):
    new = NewJob("transcription", "transcription", {}, input=tune(), ttl=0.001, **WANTED)
    hearing.store.create(new)
    with hearing.store.writing() as tx:
        tx.now += 1
        expire(tx)
    assert not hearing.runner.run_next("transcription")
    assert error_json(hearing)["error"]["code"] == "expired"
    with hearing.store.db.read() as connection:
        assert notices.untold(connection, "transcription") == []


def test_a_retry_that_succeeds_takes_the_failure_back(hearing, tune, tmp_path):
    place = tune()
    data = hearing.storage.root / place["key"]
    whole = data.read_bytes()
    data.write_bytes(b"no sound")
    job = hearing.job(input=place, **WANTED)
    data.write_bytes(whole)
    again = hearing.store.retry(job.id, "default")
    hearing.run()
    assert hearing.store.get(again.id, "default").state == "succeeded"
    assert hearing.storage.stat("lectures/1/error.json") is None
    assert hearing.storage.stat("lectures/1/transcript.json") is not None


def test_somebody_elses_error_json_is_left_alone(hearing, tmp_path):
    hearing.storage.put("lectures/1/error.json", b"{}", "application/json", owner="another")
    (tmp_path / "text").write_text("no sound")
    assert hearing.job(input=hearing.put(tmp_path / "text"), **WANTED).state == "failed"
    assert error_json(hearing) == {}


def test_a_job_without_a_promise_or_with_our_own_place_tells_nobody(hearing, tmp_path):
    (tmp_path / "text").write_text("no sound")
    own = {"outputs": ("wav_files/1/a.wav",), "promised": ("transcript.json",)}
    for fields in ({}, own):
        assert hearing.job(input=hearing.put(tmp_path / "text"), **fields).state == "failed"
    assert hearing.storage.stat("wav_files/1/error.json") is None
