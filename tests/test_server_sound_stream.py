"""stream_format on speech: the first sentence leaves while the next is made."""

import base64
import json
import threading

import pytest

from speech.errors import InvalidRequest
from speech.jobs import Artifact, attempt_key, piece_name
from tests.server_fixtures import TYPES, serve
from tests.services import until
from tests.test_sound_cache import Spoken


@pytest.fixture
def idle(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path, max_streams=1, wait_timeout=20.0)
    yield made
    made.store.db.close()


class Call:
    """A streaming call in a thread of its own."""

    def __init__(self, served, **fields):
        self.sound, self.answer, self.broken = b"", None, None
        self._thread = threading.Thread(target=self._run, args=(served.app.test_client(), fields))
        self._thread.start()

    def _run(self, client, fields):
        asked = {"input": "하나. 둘.", "voice": 1, "stream_format": "audio"} | fields
        self.answer = client.post("/v1/audio/speech", json=asked)
        if self.answer.mimetype == "application/json":
            return
        try:
            for chunk in self.answer.iter_encoded():
                self.sound += chunk
        except Exception as error:
            self.broken = error
        self.answer.close()

    @property
    def events(self):
        blocks = self.sound.decode().split("\n\n")
        return [json.loads(block.partition("data: ")[2]) for block in blocks if "data: " in block]

    @property
    def heard(self):
        deltas = [one for one in self.events if one.get("type") == "speech.audio.delta"]
        return b"".join(base64.b64decode(one["audio"]) for one in deltas)

    def ended(self):
        self._thread.join(30)
        assert not self._thread.is_alive()
        return self.answer


def claimed(served):
    found = []
    until(lambda: found.append(served.store.claim("speech", "a/b/c")) or found[-1], 10, "a job")
    return found[-1]


def say(served, job, number, sound):
    """What a worker does for each sentence that is ready."""
    served.storage.put(attempt_key(job, piece_name(number)), sound, "application/octet-stream", "x")
    told = {"type": "sentence", "id": number, "text": "하나."}
    served.store.report(job, 0.5, "speaking", [(number, told)])


def finish(served, job, name="mp3", sound=b"the whole"):
    key = attempt_key(job, f"speech.{name}")
    served.storage.put(key, sound, TYPES[name], job.id)
    artifact = Artifact(f"speech.{name}", key, TYPES[name], len(sound), "0" * 64)
    served.store.commit(job, [artifact], {})


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_the_first_sentence_leaves_while_the_next_is_made(idle, name):
    call = Call(idle, response_format=name)
    job = claimed(idle)
    assert job.request["stream_format"] == "audio"
    say(idle, job, 0, b"one,")
    until(lambda: call.sound == b"one,", 10, "the first sentence")
    say(idle, job, 1, b"two")
    until(lambda: call.sound == b"one,two", 10, "the second sentence")
    finish(idle, job, name)
    answer = call.ended()
    assert (answer.status_code, answer.mimetype) == (200, TYPES[name])
    assert "Content-Length" not in answer.headers
    assert answer.headers["X-Moksori-Job"] == job.id
    assert (call.sound, call.broken) == (b"one,two", None)


def test_sse_is_as_openais(idle):
    call = Call(idle, stream_format="sse")
    job = claimed(idle)
    say(idle, job, 0, b"one,")
    until(lambda: call.heard == b"one,", 10, "the first sentence")
    say(idle, job, 1, b"two")
    finish(idle, job)
    assert call.ended().mimetype == "text/event-stream"
    assert call.heard == b"one,two"
    usage = {"input_tokens": 6, "output_tokens": 0, "total_tokens": 6}
    assert call.events[-1] == {"type": "speech.audio.done", "usage": usage}


@pytest.mark.parametrize("form", ["audio", "sse"])
def test_an_attempt_that_begins_anew_repeats_nothing(idle, form):
    call = Call(idle, stream_format=form)
    job = claimed(idle)
    say(idle, job, 0, b"one,")
    until(lambda: call.sound, 10, "the first sentence")
    idle.store.release("a/b/c", "preempted")
    idle.storage.delete_prefix(attempt_key(job, ""))
    again = claimed(idle)
    for number, sound in enumerate([b"one,", b"two,", b"three"]):
        say(idle, again, number, sound)
    finish(idle, again)
    call.ended()
    assert (call.heard if form == "sse" else call.sound) == b"one,two,three"


def test_what_a_dead_attempt_has_left_unread_comes_from_the_next(idle):
    call = Call(idle)
    job = claimed(idle)
    idle.store.report(job, 0.5, "speaking", [(0, {"type": "sentence"})])  # its bytes are gone
    idle.store.release("a/b/c", "preempted")
    again = claimed(idle)
    say(idle, again, 0, b"one")
    finish(idle, again)
    call.ended()
    assert call.sound == b"one"


@pytest.mark.parametrize("form", ["audio", "sse"])
def test_a_job_without_pieces_is_sent_whole(idle, form):
    call = Call(idle, stream_format=form)
    finish(idle, claimed(idle))
    call.ended()
    assert (call.heard if form == "sse" else call.sound) == b"the whole"


@pytest.mark.parametrize("form", ["audio", "sse"])
def test_what_fails_before_the_first_sound_is_an_error_like_any_other(idle, form):
    call = Call(idle, stream_format=form)
    idle.store.fail(claimed(idle), InvalidRequest("nothing_to_speak", param="input"))
    answer = call.ended()
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "nothing_to_speak")
    until(lambda: idle.app.extensions["moksori"].streams._free._value == 1, 10, "the place")


def test_what_fails_later_breaks_the_sound_off_and_is_an_event_of_sse(idle):
    for form in ("audio", "sse"):
        call = Call(idle, stream_format=form)
        job = claimed(idle)
        say(idle, job, 0, b"one,")
        until(lambda: call.sound, 10, "the first sentence")  # noqa: B023
        idle.store.fail(job, InvalidRequest("nothing_to_speak", param="input"))
        call.ended()
        if form == "audio":
            assert call.broken is not None
        else:
            assert call.events[-1]["error"]["code"] == "nothing_to_speak"


def test_a_storage_that_does_not_answer_is_waited_for(idle, monkeypatch):
    from speech.errors import StorageUnavailable

    call = Call(idle)
    job = claimed(idle)
    say(idle, job, 0, b"one,")
    until(lambda: call.sound, 10, "the first sentence")
    away = threading.Event()
    really = idle.storage.open

    def open_(key, *place):
        if not away.is_set():
            away.set()
            raise StorageUnavailable("storage_unavailable")
        return really(key, *place)

    monkeypatch.setattr(idle.storage, "open", open_)
    say(idle, job, 1, b"two")
    finish(idle, job)
    call.ended()
    assert (call.sound, call.broken, away.is_set()) == (b"one,two", None, True)


def test_an_asynchronous_job_is_not_streamed(idle):
    asked = {"input": "하나", "voice": 1, "stream_format": "audio"}
    headers = {"Prefer": "respond-async"}
    answer = idle.app.test_client().post("/v1/audio/speech", json=asked, headers=headers)
    assert answer.status_code == 202
    assert "stream_format" not in claimed(idle).request


@pytest.mark.parametrize("form", ["audio", "sse"])
def test_what_is_streamed_is_what_the_worker_made(idle, tmp_path, form):
    call = Call(idle, stream_format=form, response_format="pcm", input="하나. 둘! 셋?")
    spoken = Spoken(idle.store, tmp_path / "worker", storage_url=idle.settings.storage_url)
    until(lambda: spoken.runner.run_next("speech"), 10, "the job")
    job = call.ended().headers["X-Moksori-Job"]
    made = spoken.bytes_of(idle.store.get(job, "default"), "speech.pcm")
    assert len(made) > 10_000
    assert (call.heard if form == "sse" else call.sound) == made
