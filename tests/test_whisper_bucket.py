"""Whisper's weights in a bucket: which files count, what a version is, and how they are loaded and replaced."""

from pathlib import Path
from typing import Any

import pytest

from speech.errors import Internal, Unavailable
from speech.model_bucket import SMALL
from speech.settings import Settings
from speech.voices import SHIPPED
from tests.gcs_fixtures import Fault
from tests.shelves import Shelf, sha256
from worker import whisper_bucket
from worker.registry import NEWER
from worker.reload import Reload
from worker.whisper import Whisper
from worker.whisper_fetched import load_fetched
from worker.whisper_weights import find, resolve

pytestmark = [
    pytest.mark.gcs,
    # The client leaves the answer of a refused download to the garbage collector, which closes its socket.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]
FILES = {"model.bin": b"weights", "config.json": b"{}", "tokenizer.json": b"{}"}
AWAY = Fault("503", times=1000)


def upload(shelf: Shelf, **changed: bytes) -> None:
    for name, data in {**FILES, **changed}.items():
        shelf.put(name, data)


def sums(files: dict[str, bytes]) -> bytes:
    """As sha256sum writes them."""
    return "".join(f"{sha256(data)}  {name}\n" for name, data in files.items()).encode()


@pytest.fixture
def settings(shelf: Shelf, tmp_path: Path) -> Settings:
    return shelf.settings(tmp_path, whisper_model=f"{shelf.url}/", whisper_device="cpu")


def test_googles_checksums_make_the_version_where_there_are_no_sums(
    shelf: Shelf, settings: Settings
) -> None:
    upload(shelf)
    first = whisper_bucket.newest(settings)
    assert {file.checksum.partition(":")[0] for file in first.files} == {"md5"}
    shelf.put("notes.txt", b"nothing of the model's")
    assert whisper_bucket.newest(settings) == first
    shelf.put("model.bin", b"other weights")
    assert whisper_bucket.newest(settings).version != first.version


def test_sums_are_taken_where_they_are(shelf: Shelf, settings: Settings) -> None:
    upload(shelf)
    shelf.put("SHA256SUMS", sums(FILES))
    found = {file.name: file.checksum for file in whisper_bucket.newest(settings).files}
    assert found == {name: f"sha256:{sha256(data)}" for name, data in FILES.items()}


def test_an_object_that_its_sum_does_not_fit_is_fetched_twice_and_named(
    shelf: Shelf, settings: Settings
) -> None:
    upload(shelf, **{"model.bin": b"rotten"})
    shelf.put("SHA256SUMS", sums(FILES))
    with pytest.raises(Internal, match=r"model\.bin is not what its checksum says"):
        resolve(settings.whisper_model, settings)
    assert shelf.fetched("model.bin") == 2


def test_sums_of_more_than_a_megabyte_are_refused_and_the_last_weights_stay(
    shelf: Shelf, settings: Settings
) -> None:
    upload(shelf)
    folder = resolve(settings.whisper_model, settings)
    shelf.put("SHA256SUMS", b"0" * (SMALL + 1))
    with pytest.raises(ValueError, match="SHA256SUMS is larger"):
        whisper_bucket.newest(settings)
    assert resolve(settings.whisper_model, settings) == folder


@pytest.mark.parametrize(
    ("files", "missing"),
    [
        ({"model.bin": b"x", "config.json": b"{}"}, "tokenizer.json"),
        ({**FILES, "SHA256SUMS": sums({"model.bin": b"weights"})}, "config.json"),
        ({**FILES, "vocabulary.json": b"[]", "SHA256SUMS": sums(FILES)}, "vocabulary.json"),
        ({}, "model.bin"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_with_what_is_missing(
    shelf: Shelf, settings: Settings, files: dict[str, bytes], missing: str
) -> None:
    for name, data in files.items():
        shelf.put(name, data)
    with pytest.raises(Internal, match=f"{missing} is missing") as caught:
        resolve(settings.whisper_model, settings)
    assert caught.value.code == "whisper_bucket_incomplete"


def test_weights_are_prepared_once_and_found_without_the_bucket(
    shelf: Shelf, settings: Settings
) -> None:
    upload(shelf)
    with pytest.raises(Internal, match="moksori prepare"):
        find(settings.whisper_model, settings)
    folder = resolve(settings.whisper_model, settings)
    assert {path.name: path.read_bytes() for path in folder.glob("*.*n")} == FILES
    shelf.store.faults = [AWAY]
    assert resolve(settings.whisper_model, settings) == folder
    assert find(settings.whisper_model, settings) == folder
    (folder / "model.bin").write_bytes(b"rotten")
    with pytest.raises(Internal, match="moksori prepare"):
        find(settings.whisper_model, settings)
    with pytest.raises(Unavailable, match=r"storage\.objects\.get"):
        resolve(settings.whisper_model, settings)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was loaded, by a Whisper that refuses the weights b"rotten"."""
    seen: list[bytes] = []

    def from_folder(folder: Path, settings: Settings) -> Whisper:
        seen.append((folder / "model.bin").read_bytes())
        if seen[-1] == b"rotten":
            raise RuntimeError("no model")
        model: Any = None
        return Whisper(model, settings.whisper_model, "cpu", "int8")

    monkeypatch.setattr(Whisper, "from_folder", from_folder)
    return seen


def test_a_model_from_a_bucket_tells_its_version_and_not_its_bucket(
    shelf: Shelf, settings: Settings, loads: list[bytes]
) -> None:
    upload(shelf)
    told = Whisper.load(settings).describe()
    assert told["model"] == shelf.url.rpartition("/")[2]
    assert told["model_version"] == whisper_bucket.newest(settings).version[:12]


def test_a_model_that_does_not_load_is_fetched_again_once(
    shelf: Shelf, settings: Settings, loads: list[bytes]
) -> None:
    upload(shelf, **{"model.bin": b"rotten"})
    with pytest.raises(Internal, match="no model") as caught:
        load_fetched(settings)
    assert caught.value.code == "whisper_bucket_broken"
    assert loads == [b"rotten"] * 2
    assert shelf.fetched("model.bin") == 2


def test_what_a_gpu_does_not_load_is_not_fetched_again(
    shelf: Shelf, tmp_path: Path, loads: list[bytes]
) -> None:
    upload(shelf, **{"model.bin": b"rotten"})
    given = {"whisper_model": shelf.url, "whisper_device": "cuda"}
    with pytest.raises(RuntimeError, match="no model"):
        load_fetched(shelf.settings(tmp_path, **given))
    assert loads == [b"rotten"]


def test_newer_weights_are_loaded_between_attempts_and_broken_ones_are_not_tried_again(
    shelf: Shelf, settings: Settings, loads: list[bytes]
) -> None:
    upload(shelf)
    first = Whisper.load(settings)
    models: dict[str, Any] = {"transcription": first}
    made = Reload(settings, models)
    made.look()
    assert not made.swap()
    shelf.put("model.bin", b"rotten")
    for _ in range(3):
        made.look()
        made.swap()
    assert models["transcription"] is first and "no model" in made.problems["transcription"]
    assert loads == [b"weights", b"rotten", b"rotten"]
    shelf.put("model.bin", b"better weights")
    made.look()
    assert made.swap() and not made.problems
    assert models["transcription"].version != first.version


def test_a_model_in_a_folder_is_not_looked_after(settings: Settings) -> None:
    model: Any = None
    assert NEWER["transcription"](settings, Whisper(model, "base", "cpu", "int8")) is None


@pytest.mark.models
@pytest.mark.slow
def test_what_ships_speaks_and_listens_from_a_bucket(shelf: Shelf, tmp_path: Path) -> None:
    from worker.engines import TranscribeOptions
    from worker.speaker import Request, load_speech_models

    for path in (SHIPPED / "manifest.json", *(SHIPPED / "onnx").iterdir()):
        shelf.put(str(path.relative_to(SHIPPED)), path.read_bytes())
    base = resolve("base", Settings())
    for path in base.iterdir():
        shelf.put(f"whisper/{path.name}", path.read_bytes())
    given = {"whisper_model": f"{shelf.url}/whisper", "whisper_device": "cpu"}
    settings = shelf.settings(tmp_path, **given)
    settings = settings.from_env(settings.to_env(), speech_engine="onnx", storage_deadline=30.0)
    speaker = load_speech_models(settings)
    (said,) = speaker.say(["안녕하세요. 만나서 반갑습니다."], Request(speaker.voices.find(1)))
    import soxr

    samples = soxr.resample(said.samples, speaker.voices.find(1).rate, 16_000)
    engine, options = Whisper.load(settings), TranscribeOptions(language="ko")
    _, heard = engine.transcribe(samples, options, engine.speech(samples, options))
    assert "안녕" in "".join(segment.text for segment in heard)
