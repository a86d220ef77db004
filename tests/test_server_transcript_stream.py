"""stream=true on a transcription: OpenAI's events while the segments are decoded."""

import io
import json
import threading

import pytest

from speech import access
from speech.errors import BadMedia
from speech.jobs import NewJob
from tests.key_fixtures import new_key
from tests.server_fixtures import serve
from tests.services import until


@pytest.fixture
def idle(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, max_streams=1, wait_timeout=20.0)
    yield made
    made.store.db.close()


class Call:
    """A streaming call in a thread of its own."""

    def __init__(self, served, headers=None, **fields):
        self.chunks, self.answer, self._headers = [], None, headers
        self._thread = threading.Thread(target=self._run, args=(served.app.test_client(), fields))
        self._thread.start()

    def _run(self, client, fields):
        form = {"file": (io.BytesIO(b"RIFF...."), "a.wav"), "stream": "true"} | fields
        self.answer = client.post("/v1/audio/transcriptions", data=form, headers=self._headers)
        if self.answer.mimetype == "text/event-stream":
            for chunk in self.answer.iter_encoded():
                self.chunks.append(chunk.decode())
            self.answer.close()

    @property
    def events(self):
        found = []
        for block in "".join(self.chunks).split("\n\n"):
            lines = [line.removeprefix("data: ") for line in block.splitlines() if "data" in line]
            found += [json.loads(line) for line in lines if line.startswith("{")]
        return found

    @property
    def deltas(self):
        return [one["delta"] for one in self.events if one.get("type") == "transcript.text.delta"]

    def ended(self):
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.answer


def claimed(served):
    found = []
    until(
        lambda: found.append(served.store.claim("transcription", "a/b/c")) or found[-1], 10, "a job"
    )
    return found[-1]


def piece(n, text):
    return (n, {"id": n, "start": float(n), "end": n + 1.0, "text": text})


def test_each_segment_comes_as_it_is_decoded_and_the_whole_at_the_end(idle):
    call = Call(idle)
    job = claimed(idle)
    idle.store.report(job, 0.3, "decoding", [piece(0, " 안녕하세요.")])
    until(lambda: call.deltas == ["안녕하세요."], 10, "the event")
    idle.store.report(job, 0.6, "decoding", [piece(1, " 반갑습니다.")])
    until(lambda: len(call.deltas) == 2, 10, "the event")
    idle.store.commit(job, [], {"text": "안녕하세요. 반갑습니다. 네."})
    answer = call.ended()
    assert (answer.status_code, answer.mimetype) == (200, "text/event-stream")
    assert answer.headers["X-Moksori-Job"] == job.id
    assert call.deltas == ["안녕하세요.", " 반갑습니다.", " 네."]
    assert call.events[-1] == {
        "type": "transcript.text.done", "text": "안녕하세요. 반갑습니다. 네.",
    }  # fmt: skip


def test_the_parts_of_a_long_recording_come_in_order(idle):
    call = Call(idle)
    job = claimed(idle)
    parts = [NewJob("part", "transcription", {"n": n}) for n in range(2)]
    idle.store.split(job, parts)
    first, second = claimed(idle), claimed(idle)
    idle.store.report(second, 0.5, "decoding", [piece(0, " 둘.")])
    idle.store.report(first, 0.5, "decoding", [piece(0, " 하나.")])
    until(lambda: call.deltas == ["하나."], 10, "the event")
    idle.store.commit(first, [], {})
    until(lambda: call.deltas == ["하나.", " 둘."], 10, "the event")
    idle.store.commit(second, [], {})
    idle.store.commit(claimed(idle), [], {"text": "하나. 둘."})
    call.ended()
    assert call.events[-1]["text"] == "".join(call.deltas) == "하나. 둘."


def test_an_attempt_that_begins_anew_repeats_nothing(idle):
    call = Call(idle)
    job = claimed(idle)
    idle.store.report(job, 0.5, "decoding", [piece(0, " 하나."), piece(1, " 둘.")])
    until(lambda: len(call.deltas) == 2, 10, "the event")
    idle.store.release("a/b/c", "preempted")
    again = claimed(idle)
    idle.store.report(again, 0.5, "decoding", [piece(n, f" {n}.") for n in range(3)])
    until(lambda: len(call.deltas) == 3, 10, "the event")
    idle.store.commit(again, [], {"text": "하나. 둘. 셋."})
    call.ended()
    assert call.deltas == ["하나.", " 둘.", " 2."]
    assert call.events[-1]["text"] == "하나. 둘. 셋."


def test_a_recording_that_fails_before_a_word_is_an_error_like_any_other(idle):
    call = Call(idle)
    idle.store.fail(claimed(idle), BadMedia("media_unreadable", param="file"))
    answer = call.ended()
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "media_unreadable")
    assert answer.headers["X-Moksori-Job"]
    until(lambda: idle.app.extensions["moksori"].streams._free._value == 1, 10, "the event")


def test_one_that_fails_later_ends_with_an_error_event(idle):
    call = Call(idle)
    job = claimed(idle)
    idle.store.report(job, 0.3, "decoding", [piece(0, " 안녕.")])
    until(lambda: call.deltas, 10, "the event")
    idle.store.fail(job, BadMedia("media_unreadable", param="file"))
    call.ended()
    assert call.events[-1]["error"]["code"] == "media_unreadable"


def test_a_revoked_key_ends_its_stream_and_not_its_job(idle, monkeypatch):
    monkeypatch.setattr("server.following.LOOK_EVERY", 0.02)
    key, headers = new_key(idle, "transcribe")
    call = Call(idle, headers)
    job = claimed(idle)
    idle.store.report(job, 0.3, "decoding", [piece(0, " 안녕.")])
    until(lambda: call.deltas, 10, "the event")
    access.revoke(idle.store.db, key.id)
    call.ended()
    assert call.events[-1]["error"]["code"] == "key_revoked"
    assert idle.store.get(job.id, "default").state == "running"


def test_a_recording_without_speech_is_an_empty_text(idle):
    call = Call(idle)
    idle.store.commit(claimed(idle), [], {"text": ""})
    call.ended()
    assert call.events == [{"type": "transcript.text.done", "text": ""}]


def test_a_call_that_waits_too_long_for_the_first_word_ends(new_database, tmp_path):
    served = serve(new_database("sqlite"), tmp_path, wait_timeout=0.0)
    answer = Call(served).ended()
    assert (answer.status_code, answer.json["error"]["code"]) == (504, "wait_timeout")
    assert answer.headers["Location"].startswith("/v1/jobs/")
    served.store.db.close()


def test_streams_are_counted_and_nothing_is_accepted_beyond(idle):
    first = Call(idle)
    job = claimed(idle)
    refused = Call(idle).ended()
    assert (refused.status_code, refused.json["error"]["code"]) == (503, "too_many_waiting")
    assert idle.store.claim("transcription", "a/b/c") is None
    idle.store.commit(job, [], {"text": "a"})
    first.ended()


@pytest.mark.parametrize("name", ["text", "srt", "vtt", "verbose_json"])
def test_other_formats_do_not_stream(idle, name):
    answer = Call(idle, response_format=name).ended()
    error = answer.json["error"]
    assert (answer.status_code, error["code"], error["param"]) == (
        400, "stream_needs_json", "response_format",
    )  # fmt: skip
