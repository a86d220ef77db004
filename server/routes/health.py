"""Whether the service lives (/health) and takes requests (/ready)."""

import time
from typing import Any

from flask import Blueprint, Response, jsonify

from server.contract import Told, tells
from server.probes import Workers, gpu_memory
from server.service import here
from server.shapes import HealthShape, ReadyShape
from server.version import VERSION
from speech.jobs import LANES

routes = Blueprint("health", __name__)


@routes.get("/health")
@tells(Told(answers={200: HealthShape}, open=True))
def health() -> Response:
    """Say how the service is; always 200 while the process serves."""
    service = here()
    store_ms, workers = service.probes.store.read()
    lanes = [state for worker in workers for state in worker["details"].values()]
    times = [s["response_time_ms"] for s in lanes if s.get("response_time_ms") is not None]
    body = {
        "status": "ok",
        "model_loaded": any(state.get("ready") for state in lanes),
        "gpu_memory_used": sum(gpu_memory(workers, "used").values()),
        "response_time_ms": round(sum(times) / len(times), 1) if times else None,
        "store": _part(store_ms),
        "storage": _part(service.probes.storage.read()),
        "workers": live(workers),
        "uptime": round(time.monotonic() - service.began, 1),
        "version": VERSION,
    }
    return jsonify(body)


@routes.get("/ready")
@tells(Told(answers={200: ReadyShape, 503: ReadyShape}, open=True))
def ready() -> tuple[Response, int]:
    """Say whether requests are taken: 200 when the store answers, whatever else is away."""
    service = here()
    store_ms, workers = service.probes.look_at_store()
    answers = store_ms is not None
    broker_ms = service.probes.broker.read()
    broker_ok = None if service.settings.embedded else broker_ms is not None
    body = {
        "status": "ready" if answers else "unavailable",
        "store": _part(store_ms),
        "broker": {"ok": broker_ok, "ms": broker_ms},
        "storage": _part(service.probes.storage.read()),
        "workers": live(workers),
    }
    return jsonify(body), 200 if answers else 503


def live(workers: Workers) -> dict[str, int]:
    """How many live workers serve each lane with its models loaded."""
    return {
        lane: sum(bool(w["details"].get(lane, {}).get("ready")) for w in workers) for lane in LANES
    }


def _part(ms: float | None) -> dict[str, Any]:
    return {"ok": ms is not None, "ms": ms}
