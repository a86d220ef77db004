"""A trained model among the voices that are there."""

import json
import shutil
from pathlib import Path

import pytest

from speech.voices import SHIPPED, read_voices
from voice_model.manifest_entry import add


def made(folder: Path, member: int, slug: str) -> Path:
    """A folder as voice_model.export leaves it, of one voice."""
    shutil.copytree(SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    voice = {**manifest["voices"][0], "member": member, "slug": slug, "name": slug}
    voice |= {"aliases": [], "model": slug}
    manifest |= {"voices": [voice], "models": {slug: manifest["models"]["korean"]}}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def test_a_new_member_stands_beside_the_shipped_ones_with_files_of_its_own(tmp_path: Path) -> None:
    add(tmp_path / "voices", made(tmp_path / "made", 6, "hana"))
    voices = read_voices(tmp_path / "voices")
    assert [voice.member for voice in voices] == [1, 2, 3, 4, 5, 6]
    assert voices.find("hana").model == "hana"
    for file in voices.find(6).files.values():
        assert file.verified().is_relative_to(tmp_path / "voices")


def test_a_member_trained_again_gives_way_and_an_unused_model_goes(tmp_path: Path) -> None:
    add(tmp_path / "voices", made(tmp_path / "one", 6, "hana"))
    add(tmp_path / "voices", made(tmp_path / "two", 6, "duna"))
    voices = read_voices(tmp_path / "voices")
    assert [voice.slug for voice in voices][-1] == "duna"
    manifest = json.loads((tmp_path / "voices" / "manifest.json").read_text("utf-8"))
    assert manifest["models"].keys() == {"korean", "duna"}


def test_a_name_that_another_member_has_leaves_the_manifest_as_it_was(tmp_path: Path) -> None:
    add(tmp_path / "voices", made(tmp_path / "one", 6, "hana"))
    before = (tmp_path / "voices" / "manifest.json").read_bytes()
    with pytest.raises(ValueError, match="one name"):
        add(tmp_path / "voices", made(tmp_path / "two", 7, "gaon"))
    assert (tmp_path / "voices" / "manifest.json").read_bytes() == before
