"""Models beyond the first: by name, within a memory budget; and files that do not load."""

import weakref
from types import SimpleNamespace

import pytest

from speech.errors import Internal
from speech.settings import Settings
from speech.whisper_names import further_models, own_names
from worker import further_models as further_models_module
from worker import whisper, whisper_weights
from worker.further_models import Shelf, engine_for
from worker.whisper import Whisper

SIZES = {"small": 40, "medium": 50, "large": 90, "huge": 101}


@pytest.fixture
def shelf():
    """Room for 100 bytes; `loads` remembers what was loaded."""
    loads = []

    def load(model):
        loads.append(model)
        return SimpleNamespace(name=model)

    made = Shelf(load, SIZES.__getitem__, 100)
    return SimpleNamespace(take=made.take, names=lambda: made.names, loads=loads)


def test_a_model_is_loaded_once_and_stays(shelf):
    assert shelf.take("small") is shelf.take("small")
    assert shelf.loads == ["small"]


def test_the_least_used_leaves_when_room_is_needed(shelf):
    for model in ("small", "medium", "small"):
        shelf.take(model)
    assert shelf.names() == ["medium", "small"]
    shelf.take("large")
    assert shelf.names() == ["large"]
    shelf.take("small")
    assert shelf.loads == ["small", "medium", "large", "small"]


def test_a_model_that_leaves_gives_its_memory_back(monkeypatch):
    """Not before it has gone: what is still in use cannot be given back."""
    alive = weakref.WeakValueDictionary()

    class Model:
        pass

    def load(model):
        alive[model] = made = Model()
        return made

    seen = []
    monkeypatch.setattr(further_models_module, "give_back", lambda: seen.append(sorted(alive)))
    shelf = Shelf(load, SIZES.__getitem__, 100)
    for model in ("small", "medium", "large"):
        shelf.take(model)
    assert seen == [["medium"], []]


def test_a_model_beyond_the_budget_is_refused_and_nothing_leaves(shelf):
    shelf.take("small")
    with pytest.raises(Internal, match="101 bytes") as caught:
        shelf.take("huge")
    assert caught.value.code == "whisper_over_budget"
    assert shelf.names() == ["small"]


def test_further_models_have_names_of_their_own():
    settings = Settings(whisper_models="small, /models/lecture , base")
    assert own_names(settings) == ("whisper-1", "whisper-base", "base")
    assert further_models(settings) == {
        "whisper-small": "small", "whisper-lecture": "/models/lecture",
        "small": "small", "lecture": "/models/lecture",
    }  # fmt: skip


def test_the_request_chooses_the_engine(tmp_path):
    (tmp_path / "lecture").mkdir()
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / "lecture" / name).write_text("{}")
    settings = Settings(whisper_models=str(tmp_path / "lecture"))
    loaded = []

    def load(given):
        loaded.append(given.whisper_model)
        return given.whisper_model

    assert engine_for("first", {"model": "whisper-1"}, settings, load) == "first"
    assert engine_for("first", {}, settings, load) == "first"
    assert loaded == []
    for _ in range(2):
        assert engine_for("first", {"model": "lecture"}, settings, load) == loaded[0]
    assert loaded == [str(tmp_path / "lecture")]


@pytest.fixture
def broken(monkeypatch, tmp_path):
    """Files that do not load, `times` in a row; what was fetched."""
    told = SimpleNamespace(times=1, fetched=[])

    def from_folder(path, settings):
        if told.times:
            told.times -= 1
            raise RuntimeError("model.bin is broken")
        return path

    monkeypatch.setattr(whisper, "resolve", lambda *_: told.fetched.append("first") or tmp_path)
    monkeypatch.setattr(whisper, "again", lambda *_: told.fetched.append("again") or tmp_path)
    monkeypatch.setattr(Whisper, "from_folder", from_folder)
    return told


def test_files_that_do_not_load_are_fetched_again_once(broken, tmp_path):
    assert Whisper.load(Settings(whisper_device="cpu")) == tmp_path
    assert broken.fetched == ["first", "again"]


def test_files_that_never_load_are_reported(broken):
    broken.times = 2
    with pytest.raises(Internal, match=r"model\.bin is broken") as caught:
        Whisper.load(Settings(whisper_device="cpu"))
    assert caught.value.code == "whisper_broken"


def test_what_a_gpu_does_not_load_is_not_fetched_again(broken):
    with pytest.raises(RuntimeError):
        Whisper.load(Settings(whisper_device="cuda"))
    assert broken.fetched == ["first"]


def test_a_hub_model_that_is_fetched_again_leaves_nothing_of_the_first(monkeypatch, tmp_path):
    cache = tmp_path / "models--owner--name"
    snapshot = cache / "snapshots" / "abc"
    downloads = []

    def download(name, local_files_only=False, **_):
        if local_files_only and not snapshot.exists():
            raise OSError("not here")
        if not local_files_only:
            downloads.append(name)
            snapshot.mkdir(parents=True)
        return str(snapshot)

    monkeypatch.setattr("faster_whisper.utils.download_model", download)
    snapshot.mkdir(parents=True)
    (cache / "blobs").mkdir()
    settings = Settings(data_dir=str(tmp_path))
    assert whisper_weights.again("owner/name", settings) == snapshot
    assert downloads == ["owner/name"]
    assert not (cache / "blobs").exists()
