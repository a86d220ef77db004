"""gs:// places that a request names lie inside our own storage and outside what is reserved."""

from dataclasses import replace

import pytest
from flask import Flask, g

from server.caller import Caller
from server.places import input_place, output_keys
from speech.errors import Forbidden, InvalidRequest
from speech.settings import Settings


class Bucket:
    settings = replace(Settings(), storage_url="gs://ours/prefix")


@pytest.fixture(autouse=True)
def _context():
    with Flask("test").app_context():
        g.caller = Caller()
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


@pytest.mark.parametrize(
    ("place", "good"),
    [
        ("gs://ours/prefix/in", True),
        ("gs://ours/prefix/in/deep/a.mp3", True),
        ("gs://ours/prefix/inner/a.mp3", False),
        ("gs://ours/prefix/out/a.mp3", False),
        ("gs://ours/prefix/t/default/jobs/1/1/speech.wav", False),
    ],
)
def test_a_key_with_buckets_uses_what_lies_in_them(place, good):
    g.caller = Caller(buckets=("gs://ours/prefix/in", "gs://elsewhere"))
    if good:
        assert input_place(Bucket, place, "input")
        if "/in/" in place:
            assert output_keys(Bucket, place, ["a"])
        return
    with pytest.raises(Forbidden) as caught:
        input_place(Bucket, place, "input")
    assert (caught.value.code, caught.value.param) == ("bucket_not_allowed", "input")


def test_a_shared_place_is_another_tenants_only_by_its_name():
    g.caller = Caller(tenant="acme")
    assert input_place(Bucket, "gs://ours/prefix/t/acme/jobs/1/1/a.wav", "input")
    for act in (
        lambda: input_place(Bucket, "gs://ours/prefix/in/a.mp3", "input"),
        lambda: output_keys(Bucket, "gs://ours/prefix/out", ["a"]),
    ):
        with pytest.raises(Forbidden) as caught:
            act()
        assert caught.value.code == "bucket_not_allowed"
    g.caller = Caller(tenant="acme", buckets=("gs://ours/prefix/out",))
    assert output_keys(Bucket, "gs://ours/prefix/out", ["a"]) == ("out/a",)


@pytest.mark.parametrize("buckets", [None, ("gs://ours/prefix",), ("gs://ours/prefix/t/other",)])
def test_what_is_reserved_stays_so_whatever_a_key_names(buckets):
    g.caller = Caller(tenant="acme", buckets=buckets)
    for place in ("gs://ours/prefix/t/other/jobs/1/1/a.wav", "gs://ours/prefix/wav_files/1/a.wav"):
        with pytest.raises(InvalidRequest) as caught:
            input_place(Bucket, place, "input")
        assert caught.value.code == "reserved_place"
