"""Voices of tests/tone_engine.py and other models, put on a shelf: a folder, or a part of a bucket."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from speech.manifest import parse
from speech.settings import Settings
from speech.voices import SHIPPED, Voices
from tests.gcs_fixtures import BUCKET, FaultStore, fault_store

SYMBOLS = json.loads((SHIPPED / "manifest.json").read_text("utf-8"))["models"]["korean"]["symbols"]


class Shelf:
    """A part of a bucket of its own, written past the faults of `store` and read through them."""

    def __init__(self, store: FaultStore) -> None:
        from speech.gcs_client import (
            make_client,
        )  # slow to import, and conftest.py imports this module

        self.store = store
        self.prefix = f"{uuid4()}/모델"
        self.url = f"gs://{BUCKET}/{self.prefix}"
        self._bucket = make_client(store.target).bucket(BUCKET)

    def put(self, name: str, data: bytes) -> str:
        """Upload, whatever is there; the object's URL."""
        self._bucket.blob(f"{self.prefix}/{name}").upload_from_string(data)
        return f"{self.url}/{name}"

    def publish(self, tones: dict[int, str]) -> Voices:
        """A voice for each member, and then the manifest that names them."""
        for tone in tones.values():
            self.put(name_of(tone), tone.encode())
        text = json.dumps(manifest(tones)).encode()
        return parse(text, self.put("manifest.json", text))

    def settings(self, folder: Path, **given: Any) -> Settings:
        """Settings of a process that speaks these voices."""
        return Settings(
            data_dir=str(folder), voices=self.url, storage_endpoint=self.store.url,
            speech_engine="tone", storage_timeout=5.0, storage_deadline=1.0, **given,
        )  # fmt: skip

    def fetched(self, name: str) -> int:
        """How many requests for an object's bytes came."""
        return sum(
            one.startswith("GET /download/") and name in one for one in list(self.store.seen)
        )


@pytest.fixture
def shelf(gcs_url: str) -> Iterator[Shelf]:
    """A shelf behind a store that fails on demand."""
    with fault_store(gcs_url) as store:
        yield Shelf(store)


def name_of(tone: str) -> str:
    """The file of a voice; another one for another voice."""
    return f"{sha256(tone.encode())[:12]}.tone"


def sha256(data: bytes) -> str:
    """The checksum, hex."""
    return hashlib.sha256(data).hexdigest()


def manifest(tones: dict[int, str], place: str = "") -> dict[str, Any]:
    """A manifest of a voice for each member; files stand at `place`, or beside the manifest."""
    return {
        "format": 1,
        "voices": [
            {"member": n, "slug": f"tone-{n}", "name": f"소리 {n}", "model": f"tone-{n}"} for n in tones
        ],
        "models": {
            f"tone-{n}": {
                "language": "ko", "rate_hz": 22_050, "hop_samples": 256, "symbols": SYMBOLS,
                "noise_scale": 0.0,
                "files": {
                    "tone": {"path": place + name_of(tone), "sha256": sha256(tone.encode())}
                },
            }
            for n, tone in tones.items()
        },
    }  # fmt: skip
