"""Every setting, its default and its meaning; only entry points read the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints

from speech.secrets import UnfitSecret, secret_text


def _s(default: Any, help: str, secret: bool = False) -> Any:
    return field(default=default, repr=not secret, metadata={"help": help})


class BadSettings(ValueError):
    """Settings that nothing can start with; the sentence names every one."""


@dataclass(frozen=True)
class Settings:
    """What an operator can set; a field `port` is the environment variable MOKSORI_PORT."""

    data_dir: str = _s(
        ".moksori", "Folder of the embedded store, artifacts, bells, secret and model cache"
    )
    database_url: str = _s(
        "", "SQLAlchemy URL of the job store; empty: SQLite in the data folder", secret=True
    )
    storage_url: str = _s(
        "", "`file:///folder` or `gs://bucket/prefix`; empty: a folder in the data folder"
    )
    storage_endpoint: str = _s(
        "", "Another Google Cloud Storage endpoint, such as an emulator; used without credentials"
    )
    storage_signing: str = _s(
        "auto", "`auto`: links signed by Google where credentials can; `links`: always our own"
    )
    storage_timeout: float = _s(30.0, "Seconds one storage request may stay silent")
    storage_deadline: float = _s(
        60.0, "Seconds a storage call is retried before it counts as an outage"
    )
    broker_url: str = _s("", "AMQP URL of RabbitMQ; empty: embedded mode, no broker", secret=True)
    events_exchange: str = _s(
        "moksori.events.v1", "Fanout exchange that carries job events on RabbitMQ"
    )
    plugins: str = _s(
        "", "Comma list of Python modules imported by workers at start; they may register engines"
    )

    host: str = _s(
        "127.0.0.1",
        "Address to listen on; another than loopback needs an API key (`moksori keys create`)",
    )
    port: int = _s(8000, "Port to listen on")
    public_url: str = _s("", "Start of every link we hand out; empty: http://host:port")
    secret: str = _s(
        "",
        "Key that signs our own links; empty: made once and kept in the data folder",
        secret=True,
    )
    cors_origins: str = _s("", "Comma list of exact origins that may call the API from a browser")
    require_keys: bool = _s(
        False, "Ask for API keys on loopback too, before the first one was made"
    )
    api_key: str = _s(
        "", "Key that `moksori serve --prove` sends, where keys are asked for", secret=True
    )
    token_ttl: int = _s(
        900, "Seconds a browser token is good for; a request may ask for up to 3600"
    )
    server_processes: int = _s(1, "gunicorn processes")
    server_threads: int = _s(450, "Threads of one server process; above waits + streams + uploads")
    max_waits: int = _s(150, "Waiting calls at once in one server process; over it 503")
    max_streams: int = _s(220, "Open event streams at once in one server process; over it 503")
    max_receiving: int = _s(
        50, "Pieces of uploads that one server process receives at once; over it 503"
    )
    wait_timeout: float = _s(300.0, "Seconds a synchronous call waits before 504")
    link_ttl: int = _s(3600, "Seconds a signed artifact URL is good for")
    idempotency_ttl: int = _s(86400, "Seconds an Idempotency-Key is remembered")

    json_max_bytes: int = _s(1_048_576, "Largest JSON body in bytes")
    upload_max_bytes: int = _s(1_073_741_824, "Largest uploaded or fetched file in bytes")
    form_max_bytes: int = _s(
        104_857_600, "Largest file in a form in bytes; a larger one comes by POST /v1/uploads"
    )
    upload_ttl: int = _s(
        604_800, "Seconds an upload may take, and then wait for a job; a bucket allows a week"
    )
    text_max_characters: int = _s(5_000, "Longest text of a synchronous speech call")
    job_text_max_characters: int = _s(100_000, "Longest text of a speech job")
    audio_max_seconds: float = _s(14_400.0, "Longest decoded recording in seconds")
    batch_max_urls: int = _s(500, "Most URLs in one call of /transcribe/batch")
    batch_max_items: int = _s(10_000, "Most items in a batch of /v1/jobs")

    lexicon_max_entries: int = _s(20_000, "Most entries of one tenant's lexicon")
    key_requests_per_minute: int = _s(
        0, "Requests a minute of a key that has no limit of its own; 0: no limit"
    )
    key_queued_jobs: int = _s(0, "Open jobs of a key that has no limit of its own; 0: no limit")
    key_audio_seconds_per_day: int = _s(
        0, "Audio a UTC day of a key that has no limit of its own, in seconds; 0: no limit"
    )

    concurrent_downloads: int = _s(4, "Downloads at once in a worker")
    download_timeout: float = _s(300.0, "Seconds one download may take")
    decode_timeout: float = _s(600.0, "Seconds that decoding one media file may take")
    allow_private_urls: bool = _s(
        False, "For tests only: inputs may be fetched from loopback addresses"
    )

    lanes: str = _s("speech,transcription", "Lanes this worker serves")
    voices: str = _s(
        "", "Folder of member voices, or `gs://bucket/prefix`; empty: the five that ship"
    )
    speech_engine: str = _s("auto", "`onnx`, `coqui` or `auto`")
    speech_device: str = _s("auto", "`cpu`, `cuda` or `auto`")
    speech_threads: int = _s(1, "Threads of the speech engine")
    sentence_characters: int = _s(
        150, "Most characters spoken in one breath; longer sentences are cut at natural pauses"
    )
    pause_comma_ms: int = _s(
        0, "Milliseconds of silence added at a comma, to what the voice itself makes of it"
    )
    pause_clause_ms: int = _s(
        100, "Milliseconds of silence between the pieces of a sentence that was cut"
    )
    pause_sentence_ms: int = _s(200, "Milliseconds of silence between two sentences")
    pause_paragraph_ms: int = _s(500, "Milliseconds of silence between two paragraphs")
    emoji: str = _s("name", "`name`: emoji are said by their Korean names; `silent`: left out")
    speech_loudness: float = _s(
        -18.0, "Loudness of spoken sound in LUFS (EBU R128); 0: as the voice was trained"
    )
    self_check: bool = _s(
        False, "Hear spoken texts again and tell in their warnings how well they were understood"
    )
    transcription_engine: str = _s("whisper", "Engine of the transcription lane")
    aligner: str = _s("wav2vec2", "Network that times words when a model for it is named")
    alignment_model: str = _s(
        "", "Folder or hub name of the aligner's model; empty: times as the engine heard them"
    )
    transcription_speakers: bool = _s(
        False, "The engine (a plug-in) tells speakers apart: requests may ask for `diarization`"
    )
    whisper_model: str = _s(
        "base",
        "A folder, `gs://bucket/prefix`, `base` (ships), or a faster-whisper name where a hub is reachable",
    )
    whisper_models: str = _s(
        "", "Comma list of further models that a request may name; loaded when first asked for"
    )
    whisper_memory_bytes: int = _s(
        4_294_967_296, "Memory for further models, by the size of their files; the least used leave"
    )
    whisper_device: str = _s("auto", "`cpu`, `cuda` or `auto`")
    whisper_compute_type: str = _s("auto", "CTranslate2 type; auto: float16 on CUDA, int8 on CPU")
    whisper_threads: int = _s(0, "Threads of the Whisper engine; 0: all cores")
    whisper_at_once: int = _s(
        4, "Batches that Whisper decodes at once on a CPU, as far as there are threads for them"
    )
    model_cache_bytes: int = _s(
        21_474_836_480,
        "Most bytes of models from buckets kept in the data folder; those in use stay",
    )
    reload_seconds: float = _s(
        60.0, "How often servers and workers look for changed voices and models; 0: never"
    )

    part_seconds: float = _s(
        300.0, "Aimed length of one part of a long recording; under 60, cuts cost words"
    )
    part_characters: int = _s(2_000, "Aimed length of one part of a long text")
    lease_seconds: float = _s(30.0, "An attempt not renewed for this long is taken over")
    renew_seconds: float = _s(10.0, "How often a running attempt renews its lease")
    attempt_timeout: float = _s(1_800.0, "An attempt that runs longer is killed")
    stop_window: float = _s(10.0, "Seconds a stopping worker lets its attempt run on")
    load_timeout: float = _s(300.0, "Seconds a child may take to load its models")
    sweep_seconds: float = _s(1.0, "How often the sweeper looks")
    outage_seconds: float = _s(86_400.0, "A storage outage longer than this fails the job")
    max_crashes: int = _s(3, "Crashes of the worker after which a job is given up")
    max_interruptions: int = _s(
        10, "Crashes and preemptions together after which a job is given up"
    )

    keep_inputs_days: float = _s(7.0, "Days an input is kept after its job's end; 0: for ever")
    keep_artifacts_days: float = _s(
        30.0, "Days a job's files are kept after its end; 0: as long as the job"
    )
    keep_jobs_days: float = _s(
        90.0, "Days a job is kept after its end, or as long as its WAV in `wav_files/`; 0: for ever"
    )
    keep_tombstones_days: float = _s(
        365.0, "Days the id of a job that is gone answers 410; 0: for ever"
    )
    keep_speech_days: float = _s(
        30.0, "Days sound is kept for the next request that would sound the same; 0: for ever"
    )
    speech_cache_bytes: int = _s(
        1_073_741_824, "Most bytes of sound kept for the next request; 0: none is"
    )
    purge_seconds: float = _s(
        3_600.0, "How often what is past its time is removed; 0: only by `moksori purge`"
    )
    log_level: str = _s("INFO", "DEBUG, INFO, WARNING or ERROR")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ, **given: Any) -> "Settings":
        """Settings from MOKSORI_* variables, secrets also from files (speech/secrets.py); `given` wins.

        All that is malformed is named in one BadSettings.
        """
        types, values, wrong = get_type_hints(cls), dict(given), []
        for f in fields(cls):
            name = f"MOKSORI_{f.name.upper()}"
            if f.name in values:
                continue
            try:
                text = env.get(name) if f.repr else secret_text(name, env)
                if text is not None:
                    values[f.name] = _parse(types[f.name], text)
            except UnfitSecret as error:
                wrong.append(str(error))
            except ValueError:
                wrong.append(f"{name}={text!r} is not {_a(types[f.name])}")
        if wrong:
            raise BadSettings("; ".join(wrong))
        return cls(**values)

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return Path(self.data_dir).expanduser().resolve()

    @property
    def store_url(self) -> str:
        """Where the job store is."""
        return self.database_url or f"sqlite:///{self.data / 'moksori.db'}"

    @property
    def artifacts_url(self) -> str:
        """Where artifacts are."""
        return self.storage_url or (self.data / "artifacts").as_uri()

    @property
    def form_limit(self) -> int:
        """Bytes of the largest file that a form may bring."""
        return min(self.form_max_bytes, self.upload_max_bytes)

    @property
    def address(self) -> str:
        """What the server listens on, host:port; an IPv6 address stands in brackets there."""
        host = self.host.strip("[]")
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def links_url(self) -> str:
        """The start of every link we hand out, without a slash at its end."""
        return (self.public_url or f"http://{self.address}").rstrip("/")

    @property
    def embedded(self) -> bool:
        """True when no broker is set: the job table is the queue."""
        return not self.broker_url

    @property
    def lane_names(self) -> tuple[str, ...]:
        """The lanes this worker serves."""
        return tuple(name.strip() for name in self.lanes.split(",") if name.strip())

    def to_env(self) -> dict[str, str]:
        """The variables that make another process read these same settings."""
        return {
            f"MOKSORI_{f.name.upper()}": _text(getattr(self, f.name))
            for f in fields(self)
            if getattr(self, f.name) != f.default
        }


def _parse(kind: type, text: str) -> Any:
    if kind is bool:
        if text.lower() not in {"0", "1", "true", "false", ""}:
            raise ValueError(text)
        return text.lower() in {"1", "true"}
    return kind(text)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _a(kind: type) -> str:
    return {int: "a whole number", float: "a number", bool: "0 or 1"}.get(kind, kind.__name__)
