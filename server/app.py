"""The Flask app: its parts are handed in, nothing is read from the environment."""

import threading

from flask import Flask
from flask_cors import CORS

from server import caller, errors
from server.form_body import SpeechRequest, close_files
from server.limits import show_limits
from server.metrics import make_registry
from server.origins import allowed_origins, refuse_foreign
from server.probes import Probes
from server.routes import (
    corrections,
    docs,
    events,
    health,
    jobs,
    keys,
    lexicon,
    metrics,
    models,
    page,
    speech,
    subtitles,
    texts,
    tokens,
    transcribe,
    transcriptions,
    transcripts,
    uploads,
    voices,
)
from server.routes.files import files_routes
from server.service import Service
from server.waiting import Cap, Streams, Waits
from speech.fresh_voices import FreshVoices
from speech.links import Links, load_secret
from speech.queue import Bells
from speech.settings import Settings
from speech.storage import Storage
from speech.store import JobStore
from speech.tokens import Tokens
from speech.voices import Voices, load_voices
from speech.watch import Watch

ROUTES = (
    speech, transcriptions, transcripts, corrections, subtitles, lexicon, uploads, jobs, events, texts,
    transcribe, models, voices, keys, tokens, health, metrics, docs, page,
)  # fmt: skip
READABLE = ["Location", "Retry-After", "X-Request-Id", "X-Moksori-Job", "X-Moksori-Version",
            "Preference-Applied", "Content-Disposition", "ETag", "Range", "Content-Range", "Accept-Ranges",
            "WWW-Authenticate", "RateLimit", "RateLimit-Policy"]  # fmt: skip


def create_app(
    settings: Settings,
    store: JobStore,
    bells: Bells,
    storage: Storage,
    voices: Voices | None = None,
) -> Flask:
    """The app over these parts. Raises ValueError for origins that are not exact."""
    app = Flask("server", static_folder=None)
    app.request_class = SpeechRequest
    app.url_map.strict_slashes = False
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    watch, stopping = Watch(bells), threading.Event()
    secret = load_secret(settings)
    links, probes = Links(settings.links_url, secret), Probes(store, storage, bells)
    app.extensions["moksori"] = Service(
        settings=settings,
        store=store,
        storage=storage,
        links=links,
        tokens=Tokens(secret),
        fresh=FreshVoices(settings, voices or load_voices(settings)),
        waits=Waits(store, watch, settings.max_waits, settings.wait_timeout, stopping),
        streams=Streams(store, watch, settings.max_streams, stopping),
        receiving=Cap(settings.max_receiving, "too_many_uploads"),
        probes=probes,
        metrics=make_registry(app, store, probes, broker=not settings.embedded),
        stopping=stopping,
    )
    errors.register(app)
    app.teardown_request(close_files)
    for module in ROUTES:
        app.register_blueprint(module.routes)
    app.register_blueprint(files_routes(storage, links, store.file_is_gone))
    _cross_origin(app, settings)
    app.before_request(caller.admit)
    app.after_request(show_limits)
    return app


def _cross_origin(app: Flask, settings: Settings) -> None:
    origins = allowed_origins(settings)
    app.before_request(lambda: refuse_foreign(origins))
    if origins:
        CORS(app, origins=origins, expose_headers=READABLE, max_age=600, always_send=False,
             methods=["GET", "HEAD", "POST", "PUT", "DELETE"])  # fmt: skip
