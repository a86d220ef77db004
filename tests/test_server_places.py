"""gs:// places that a request names lie inside our own storage and outside what is reserved."""

from dataclasses import replace

import pytest
from flask import Flask

from server.places import input_place, output_keys
from speech.errors import InvalidRequest
from speech.settings import Settings


class Bucket:
    settings = replace(Settings(), storage_url="gs://ours/prefix")


@pytest.fixture(autouse=True)
def _context():
    with Flask("test").app_context():
        yield


def test_an_output_is_a_key_for_each_file_under_the_prefix():
    keys = output_keys(Bucket, "gs://ours/prefix/news/today/", ["speech.wav", "speech.srt"])
    assert keys == ("news/today/speech.wav", "news/today/speech.srt")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("gs://theirs/prefix/news", "not_our_storage"),
        ("gs://ours/prefixed/news", "not_our_storage"),
        ("gs://ours/prefix", "not_our_storage"),
        ("gs://ours/prefix/", "not_our_storage"),
        ("gs://ours/prefix/../x", "not_our_storage"),
        ("gs://ours/prefix/a//b", "not_our_storage"),
        ("gs://ours/prefix/.hidden", "not_our_storage"),
        ("/etc/passwd", "not_our_storage"),
        ("gs://ours/prefix/t", "reserved_place"),
        ("gs://ours/prefix/t/default/x", "reserved_place"),
        ("gs://ours/prefix/wav_files", "reserved_place"),
        ("gs://ours/prefix/wav_files/1", "reserved_place"),
    ],
)
def test_an_output_elsewhere_is_refused(url, code):
    with pytest.raises(InvalidRequest) as caught:
        output_keys(Bucket, url, ["speech.wav"])
    assert (caught.value.code, caught.value.param) == (code, "output")


def test_an_input_may_be_ones_own_object_and_nobody_elses():
    assert input_place(Bucket, "gs://ours/prefix/in/a.mp3", "input") == {"key": "in/a.mp3"}
    own = "gs://ours/prefix/t/default/jobs/1/1/speech.wav"
    assert input_place(Bucket, own, "input") == {"key": "t/default/jobs/1/1/speech.wav"}
    with pytest.raises(InvalidRequest) as caught:
        input_place(Bucket, "gs://ours/prefix/t/another/inputs/1", "input")
    assert caught.value.code == "reserved_place"
