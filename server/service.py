"""What the routes work with: the app's parts, made once by create_app."""

import threading
import time
from dataclasses import dataclass, field

from flask import current_app, g, request
from prometheus_client import CollectorRegistry

from server.probes import Probes
from server.waiting import Cap, Streams, Waits
from speech.fresh_voices import FreshVoices
from speech.links import Links
from speech.settings import Settings
from speech.storage import Storage
from speech.store import JobStore
from speech.tokens import Tokens
from speech.voices import Voices


@dataclass(frozen=True)
class Service:
    """The parts of one server process."""

    settings: Settings
    store: JobStore
    storage: Storage
    links: Links
    tokens: Tokens
    fresh: FreshVoices
    waits: Waits
    streams: Streams
    receiving: Cap
    probes: Probes
    metrics: CollectorRegistry
    stopping: threading.Event
    began: float = field(default_factory=time.monotonic)

    @property
    def voices(self) -> Voices:
        """Who can speak; ask once a request, since a moment later it may be others."""
        return self.fresh.voices


def here() -> Service:
    """The service of the app that answers this request."""
    service: Service = current_app.extensions["moksori"]
    return service


def tenant() -> str:
    """Whose request this is: the tenant of its key (server/caller.py)."""
    whose: str = g.caller.tenant
    return whose


def wants_fresh() -> bool:
    """Whether the request will have nothing that was made before (Cache-Control: no-cache, RFC 9111, 5.2.1.4)."""
    return bool(request.cache_control.no_cache)
