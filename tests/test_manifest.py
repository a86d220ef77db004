"""The manifest as a stranger's file, and the voices of a bucket as they come, change and stay away."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from speech.errors import Unavailable
from speech.fresh_voices import FreshVoices
from speech.manifest import LARGEST, newest_voices, parse, read_folder
from speech.settings import Settings
from speech.voices import load_voices
from tests.gcs_fixtures import Fault
from tests.shelves import Shelf, manifest, name_of
from tests.test_voices import older_layout

HERE = "gs://voices/new/manifest.json"


def told(place: str = "", **fields: Any) -> bytes:
    """A manifest of one voice with other fields in its file's entry."""
    made = manifest({1: "0.5"}, place)
    made["models"]["tone-1"]["files"]["tone"] |= fields
    return json.dumps(made).encode()


def test_a_relative_path_stands_beside_the_manifest() -> None:
    file = parse(told("a/"), HERE).find(1).files["tone"]
    assert file.url == f"gs://voices/new/a/{name_of('0.5')}"
    assert parse(told(), "/srv/manifest.json").find(1).files["tone"].url == ""


def test_a_manifest_in_a_folder_may_name_files_of_a_bucket() -> None:
    voice = parse(told("gs://other/"), "/srv/manifest.json").find(1)
    assert voice.files["tone"].url == f"gs://other/{name_of('0.5')}"
    assert voice.origins() == ["gs://other"]


@pytest.mark.parametrize("where", [HERE, "/srv/voices/manifest.json"])
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("../x.tone", "leads out"),
        ("a/../../x.tone", "leads out"),
        ("/etc/x.tone", "leads out"),
        ("gs://bucket/../x.tone", "leads out"),
        ("gs://bucket/", "leads out"),
        ("gs://bucket/.hidden", "file's name"),
        ("http://host/x.tone", "gs://bucket/name"),
        ("file:///etc/x.tone", "gs://bucket/name"),
        (7, "missing or wrong"),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(where: str, path: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse(told(path=path), where)
    assert where in str(caught.value)


def test_links_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "manifest.json").write_bytes(told(path="a/x.tone"))
    with pytest.raises(ValueError, match="leads nowhere"):
        read_folder(tmp_path)


def without(*keys: str) -> bytes:
    made = inner = manifest({1: "0.5"})
    for key in keys[:-1]:
        inner = inner[int(key) if key.isdigit() else key]
    del inner[keys[-1]]
    return json.dumps(made).encode()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{", "manifest.json: "),
        (b"\xff\xfe\xfd", "manifest.json: "),
        (b"[]", "missing or wrong"),
        (b"null", "missing or wrong"),
        (b"[" * 200_000, "nested too deep"),
        (without("voices"), "voices"),
        (without("models"), "models"),
        (without("models", "tone-1", "rate_hz"), "rate_hz"),
        (without("models", "tone-1", "files", "tone", "sha256"), "sha256"),
        (without("voices", "0", "slug"), "slug"),
        (without("models", "tone-1"), "tone-1"),
        (told(sha256="abc"), "64 hexadecimal digits"),
        (told().replace(b'"member": 1', b'"member": true'), "whole number"),
        (told().replace(b'"hop_samples": 256', b'"hop_samples": "far"'), "far"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said_with_its_place(text: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse(text, HERE)
    assert HERE in str(caught.value)


def test_a_manifest_over_a_megabyte_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_bytes(told() + b" " * LARGEST)
    with pytest.raises(ValueError, match="larger than"):
        read_folder(tmp_path)


def test_fresh_voices_follow_a_folder_and_stay_while_it_is_broken(tmp_path: Path) -> None:
    path, held = _published(tmp_path, {1: "0.5"})
    path.write_text(json.dumps(manifest({2: "0.5"})))
    held.look()
    assert [voice.member for voice in held.voices] == [2]
    path.write_text("{")
    held.look()
    assert [voice.member for voice in held.voices] == [2] and "manifest.json" in held.problem
    path.write_text(json.dumps(manifest({1: "0.5", 2: "0.5"})))
    held.look()
    assert len(held.voices) == 2 and not held.problem


def _published(folder: Path, tones: dict[int, str]) -> tuple[Path, FreshVoices]:
    path = folder / "manifest.json"
    path.write_text(json.dumps(manifest(tones)))
    settings = Settings(voices=str(folder))
    return path, FreshVoices(settings, load_voices(settings))


def test_the_older_layout_has_another_stamp_when_a_file_is_replaced(tmp_path: Path) -> None:
    older_layout(tmp_path, 1, steps=(5,))
    before = read_folder(tmp_path)
    assert read_folder(tmp_path).stamp == before.stamp
    os.utime(before.find(1).files["vocoder_checkpoint"].path, (1, 1))
    assert read_folder(tmp_path).stamp != before.stamp


@pytest.mark.gcs
def test_voices_of_a_bucket_are_read_again_only_when_their_manifest_is_another(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    first = newest_voices(settings)
    assert newest_voices(settings).stamp == first.stamp
    assert shelf.fetched("manifest.json") == 1
    shelf.publish({1: "0.25"})
    second = newest_voices(settings)
    assert second.find(1).version != first.find(1).version
    assert shelf.fetched("manifest.json") == 2


@pytest.mark.gcs
def test_while_the_bucket_is_away_the_last_good_voices_are_there(
    shelf: Shelf, tmp_path: Path
) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    first = load_voices(settings)
    shelf.store.faults = [Fault("503", times=1000)]
    assert load_voices(settings).stamp == first.stamp
    with pytest.raises(Unavailable, match=r"storage\.objects\.get"):
        load_voices(shelf.settings(tmp_path / "elsewhere"))


@pytest.mark.gcs
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda shelf: shelf.put("manifest.json", b"{"), "manifest.json"),
        (lambda shelf: shelf.put("manifest.json", b" " * (LARGEST + 1)), "larger than"),
    ],
)
def test_a_broken_manifest_in_the_bucket_is_refused_and_not_remembered(
    shelf: Shelf, tmp_path: Path, spoil: Callable[[Shelf], object], says: str
) -> None:
    shelf.publish({1: "0.5"})
    settings = shelf.settings(tmp_path)
    first = load_voices(settings)
    spoil(shelf)
    with pytest.raises(ValueError, match=says):
        newest_voices(settings)
    assert load_voices(settings).stamp == first.stamp


@pytest.mark.gcs
def test_a_bucket_without_a_manifest_says_so(shelf: Shelf, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json is not there"):
        load_voices(shelf.settings(tmp_path))
