"""What a key may do to jobs that another key of its tenant made."""

from dataclasses import replace

import pytest
from flask import g

from server.caller import Caller
from server.permits import permit
from speech.errors import Forbidden
from speech.jobs import NewJob
from tests.server_fixtures import serve


@pytest.fixture
def service(new_database, tmp_path):
    """The parts of a server whose storage is a bucket."""
    made = serve(new_database("sqlite"), tmp_path)
    service = made.app.extensions["moksori"]
    with made.app.app_context():
        yield replace(service, settings=replace(made.settings, storage_url="gs://ours"))
    made.store.db.close()


def of(key, outputs):
    """A transcription of what lies under a key."""
    return NewJob(
        "transcription", "transcription", {}, input={"key": key}, outputs=outputs,
        promised=("a.srt",) * len(outputs),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "outputs", "param"),
    [
        ("in/a.mp3", (), None),
        ("in/a.mp3", ("in/a.srt",), None),
        ("t/default/inputs/1", (), None),  # an upload, or a form's file
        ("theirs/a.mp3", (), "input"),
        ("t/default/jobs/1/1/speech.wav", (), "input"),
        ("in/a.mp3", ("theirs/a.srt",), "output"),
    ],
)
def test_a_key_with_buckets_repeats_what_it_might_have_asked_for(service, key, outputs, param):
    new = of(key, outputs)
    alone, _ = service.store.create(new)
    batch, _ = service.store.create(NewJob("batch", "transcription", {"items": 1}), (new,))
    for one in (alone, batch):
        g.caller = Caller()
        permit(service, one)
        g.caller = Caller(buckets=("gs://ours/in",))
        if param is None:
            permit(service, one)
            continue
        with pytest.raises(Forbidden) as refused:
            permit(service, one)
        assert (refused.value.code, refused.value.param) == ("bucket_not_allowed", param)
