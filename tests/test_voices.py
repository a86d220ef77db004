"""The manifest of member voices, and how a request names one."""

import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from speech.errors import Internal, InvalidRequest, NotFound
from speech.settings import Settings
from speech.voice_folders import parse_config, vocabulary
from speech.voices import SHIPPED, find_model, load_voices, parse_member, read_voices


def test_five_members_ship_each_with_its_own_name_and_version() -> None:
    voices = load_voices(Settings())
    assert [voice.member for voice in voices] == [1, 2, 3, 4, 5]
    assert len({voice.slug for voice in voices}) == 5
    assert len({voice.version for voice in voices}) == 5


def test_every_shipped_file_matches_its_checksum_and_all_fit_in_80_megabytes() -> None:
    files = {file.path: file for voice in load_voices(Settings()) for file in voice.files.values()}
    sizes = [file.verified().stat().st_size for file in files.values()]
    assert len(sizes) == 8
    assert sum(sizes) < 80_000_000


@pytest.mark.parametrize("name", ["1", 1, "gaon", "GAON", "가온", " 가온 ", "alloy"])
def test_a_voice_answers_to_its_member_slug_name_and_alias(name: Any) -> None:
    assert load_voices(Settings()).find(name).member == 1


def test_a_name_that_macos_took_apart_is_the_same_name() -> None:
    assert load_voices(Settings()).find(unicodedata.normalize("NFD", "나래")).member == 2


@pytest.mark.parametrize(
    "given", [True, False, 1.0, "1e3", "../1", 0, 6, "0", "6", "01", "", " 1", "１", None, [1], -1]
)
def test_a_loose_member_is_refused_and_the_members_are_listed(given: Any) -> None:
    with pytest.raises(NotFound) as caught:
        load_voices(Settings()).by_member(given)
    assert caught.value.code == "unknown_voice"
    assert caught.value.param == "member_id"
    assert "1 가온 (gaon)" in caught.value.message("ko")
    json.dumps(caught.value.fields)


def test_a_member_is_a_whole_number_or_its_canonical_text() -> None:
    assert parse_member(1) == parse_member("1") == 1
    assert parse_member("12") == 12
    assert parse_member(True) is None


def test_an_unknown_model_is_refused_with_what_there_is() -> None:
    assert find_model("tts-1") == "tts-1"
    with pytest.raises(InvalidRequest, match="tts-1-hd"):
        find_model("tts-9")


def test_a_changed_file_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "voices")
    graph = tmp_path / "voices" / "onnx" / "vocoder.onnx"
    graph.write_bytes(graph.read_bytes()[:-1] + b"x")
    voice = read_voices(tmp_path / "voices").find(1)
    with pytest.raises(Internal) as caught:
        voice.files["vocoder"].verified()
    assert caught.value.code == "voice_file_damaged"
    assert voice.files["encoder"].verified().is_file()


def test_a_manifest_cannot_name_a_file_outside_its_folder(tmp_path: Path) -> None:
    manifest = json.loads((SHIPPED / "manifest.json").read_text("utf-8"))
    manifest["models"]["korean"]["files"]["encoder"]["path"] = "../secret"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ValueError, match="leads out"):
        read_voices(tmp_path)


def test_a_folder_without_voices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither"):
        read_voices(tmp_path)


def test_the_older_layout_is_found_by_itself_with_the_newest_checkpoint(tmp_path: Path) -> None:
    older_layout(tmp_path, 1, steps=(900, 1000))
    older_layout(tmp_path, 2, steps=(5,))
    (tmp_path / "hifigan-v2" / "2" / "2h_config.json").unlink()
    (voice,) = read_voices(tmp_path)
    assert voice.member == 1
    assert voice.files["acoustic_checkpoint"].path.name == "1g_checkpoint_1000.pth.tar"
    assert voice.symbols == ("_", "~", "^", "가", "나", ".")


def test_releases_before_0_6_embed_the_characters_as_they_stand() -> None:
    characters = {"pad": "_", "eos": "~", "bos": "^", "characters": "나가.", "punctuations": ".!"}
    assert vocabulary({**characters, "unique": True}) == ("_", "~", "^", "나", "가", ".")
    later = {"characters_class": "…Graphemes", "is_unique": False, "is_sorted": True}
    assert vocabulary({**characters, **later}) == ("_", "~", "^", ".", "가", "나", ".", "!")


def test_a_config_with_comments_is_read_and_a_broken_one_is_named(tmp_path: Path) -> None:
    told = parse_config('{"a": 1, // one\n "url": "http://x", /* two */ "b": "\\"//"}', "it")
    assert told == {"a": 1, "url": "http://x", "b": '"//'}
    older_layout(tmp_path, 3, steps=(5,))
    (tmp_path / "glow-tts" / "3" / "3g_config.json").write_text('{"audio": [', "utf-8")
    with pytest.raises(ValueError, match=r"3g_config\.json is not JSON"):
        read_voices(tmp_path)


@pytest.mark.parametrize(
    ("change", "blank"),
    [({}, None), ({"add_blank": False}, None), ({"add_blank": True}, 5)],
)
def test_a_voice_of_the_older_layout_may_have_blanks(
    tmp_path: Path, change: dict[str, Any], blank: int | None
) -> None:
    older_layout(tmp_path, 1, (7,))
    path = tmp_path / "glow-tts" / "1" / "1g_config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    (voice,) = read_voices(tmp_path)
    assert voice.blank == (None if blank is None else len(voice.symbols))


def older_layout(folder: Path, member: int, steps: tuple[int, ...]) -> None:
    characters = {
        "pad": "_",
        "eos": "~",
        "bos": "^",
        "characters": "가나",
        "punctuations": ".",
        "is_unique": False,
    }
    config = {"audio": {"sample_rate": 22050, "hop_length": 256}, "characters": characters}
    for kind, letter in (("glow-tts", "g"), ("hifigan-v2", "h")):
        home = folder / kind / str(member)
        home.mkdir(parents=True)
        (home / f"{member}{letter}_config.json").write_text(json.dumps(config), "utf-8")
        for step in steps:
            (home / f"{member}{letter}_checkpoint_{step}.pth.tar").write_bytes(b"x")
