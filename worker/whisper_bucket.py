"""Whisper weights in a bucket: a folder of objects, with a SHA256SUMS or with the checksums that Google keeps."""

import hashlib
import json
import logging
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from speech.errors import Internal, Unavailable
from speech.model_bucket import Listed, ModelBucket
from speech.model_cache import Held, Known, ModelCache, Wanted
from speech.settings import Settings

SUMS = "SHA256SUMS"
NEEDED = ("model.bin", "config.json", "tokenizer.json")
USED = re.compile(
    r"model\.bin|config\.json|tokenizer\.json|preprocessor_config\.json|vocabulary\.\w+"
)
LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")  # as sha256sum writes it

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Weights:
    """The files of one version of a model."""

    url: str
    version: str  # the checksum of their checksums
    files: tuple[Wanted, ...]


def newest(settings: Settings) -> Weights:
    """What settings.whisper_model (gs://…) holds now.

    Raises Internal("whisper_bucket_incomplete"), Unavailable("models_unreachable"), ValueError for sums of over 1 MB.
    """
    url, bucket = settings.whisper_model.rstrip("/"), ModelBucket.from_settings(settings)
    objects = {seen.url.rpartition("/")[2]: seen for seen in bucket.list(url)}
    sums = _sums(bucket, objects.get(SUMS))
    files = [
        Wanted(name, seen.url, seen.checksum if sums is None else sums.get(name, ""))
        for name, seen in sorted(objects.items())
        if USED.fullmatch(name)
    ]
    return _weights(url, files)


def remembered(settings: Settings) -> Weights | None:
    """What was last fetched of it."""
    url = settings.whisper_model.rstrip("/")
    known = ModelCache.from_settings(settings).recall(url)
    if known is None:
        return None
    return _weights(url, [Wanted(**file) for file in json.loads(known.text)])


def hold(weights: Weights, settings: Settings, again: bool = False) -> Held:
    """The weights in this host's cache; `again` fetches whatever is there. Raises what ModelCache.hold raises."""
    cache = ModelCache.from_settings(settings)
    held = cache.hold(weights.version, weights.files, again)
    files = json.dumps([asdict(file) for file in weights.files])
    cache.remember(weights.url, Known(weights.version, files))
    return held


def best(settings: Settings) -> Weights:
    """The newest weights; while the bucket is away, or its folder incomplete, those that were last fetched."""
    try:
        return newest(settings)
    except (Unavailable, Internal, ValueError) as error:
        if (known := remembered(settings)) is None:
            raise
        log.error("Whisper's weights are the last ones known: %s", error)
        return known


def find(weights: Weights, settings: Settings) -> Path | None:
    """Where the weights are in this host's cache, whole; nothing is fetched."""
    return ModelCache.from_settings(settings).find(weights.version, weights.files)


def _sums(bucket: ModelBucket, seen: Listed | None) -> dict[str, str] | None:
    if seen is None:
        return None
    lines = map(LINE.fullmatch, bucket.read(seen).decode(errors="replace").splitlines())
    return {found[2].removeprefix("./"): f"sha256:{found[1]}" for found in lines if found}


def _weights(url: str, files: list[Wanted]) -> Weights:
    summed = {file.name for file in files if file.checksum}
    for name in (*NEEDED, *(file.name for file in files)):
        if name not in summed:
            raise Internal("whisper_bucket_incomplete", url=url, missing=name)
    told = json.dumps([(file.name, file.checksum) for file in files])
    return Weights(url, hashlib.sha256(told.encode()).hexdigest(), tuple(files))
