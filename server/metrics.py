"""Prometheus metrics: what the store says of the deployment when it is asked, and this process's own requests.

Every server process answers the same of the deployment, so it does not matter which one a scrape meets; requests
are counted by each process for itself, under its label. docs/metrics.md lists all of them.
"""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from server.probes import Probes, gpu_memory
from speech.errors import Unavailable
from speech.jobs import LANES
from speech.measures import Measures, measure
from speech.store import JobStore

FRESH = 1.0  # seconds that a look at the store is good for
BUCKETS = (0.005, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)  # seconds
PURGED = ("uploads", "inputs", "artifacts", "rows", "tombstones", "speech", "strays", "objects")
Values = Mapping[Any, float]  # by the values of the labels: a tuple


def make_registry(app: Flask, store: JobStore, probes: Probes, broker: bool) -> CollectorRegistry:
    """The metrics of one app, whose requests are watched from now on; `broker`: there is one."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Deployment(store, probes, broker))
    watch_requests(app, registry)
    return registry


def watch_requests(app: Flask, registry: CollectorRegistry) -> None:
    """Time each request by its route's template: ids and texts are in no label."""
    seconds = Histogram(
        "moksori_http_request_seconds", "Seconds until the first byte of an answer",
        ("process", "method", "route", "status"), buckets=BUCKETS, registry=registry,
    )  # fmt: skip
    process = str(os.getpid())

    def begin() -> None:
        g.began = time.monotonic()

    def end(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else "none"
        method = request.method if request.url_rule else "none"
        if "began" in g:
            labels = (process, method, route, str(response.status_code))
            seconds.labels(*labels).observe(time.monotonic() - g.began)
        return response

    app.before_request(begin)
    app.after_request(end)


class Deployment(Collector):
    """Reads the store when it is scraped, once a second at most."""

    def __init__(self, store: JobStore, probes: Probes, broker: bool) -> None:
        self._store, self._probes, self._broker = store, probes, broker
        self._looking = threading.Lock()
        self._seen: Measures | None = None
        self._looked = float("-inf")

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """All but the requests; of a store that does not answer only that."""
        seen = self._look()
        yield from self._parts(seen is not None)
        if seen is not None:
            yield from _work(seen)
            yield from _workers(seen)
            yield from _purge(seen)

    def _look(self) -> Measures | None:
        with self._looking:
            if time.monotonic() - self._looked > FRESH:
                try:
                    with self._store.db.read() as connection:
                        self._seen = measure(connection, self._store.db.now(connection))
                except Unavailable:
                    self._seen = None
                self._looked = time.monotonic()
            return self._seen

    def _parts(self, store_answers: bool) -> Iterator[GaugeMetricFamily]:
        probes = self._probes
        trips = {"store": probes.store.read()[0], "storage": probes.storage.read()}
        if self._broker:
            trips["broker"] = probes.broker.read()
        up = {(part,): ms is not None for part, ms in trips.items()}
        yield _gauge("up", "Whether a part answers", ("part",), up | {("store",): store_answers})
        yield _gauge(
            "round_trip_seconds", "Round trip to a part, at most five seconds old", ("part",),
            {(part,): ms / 1000 for part, ms in trips.items() if ms is not None},
        )  # fmt: skip
        dead = probes.dead.read()
        if dead is not None:
            yield _gauge("dead_letters", "Bells that were refused too often", (), {(): dead})


def _work(seen: Measures) -> Iterator[GaugeMetricFamily]:
    yield _gauge("jobs", "Jobs that have not ended", ("lane", "state", "priority"), seen.open)
    yield _by_lane("oldest_waiting_seconds", "Age of the oldest queued job", seen.oldest)
    yield _by_lane("due", "Jobs that a worker could take now", seen.due)
    yield _gauge(
        "finished_last_minute", "Jobs that ended in the last minute", ("lane", "state"),
        seen.finished,
    )  # fmt: skip
    without = {lane: seen.due[lane] > 0 and not seen.ready(lane) for lane in LANES}
    yield _by_lane("backlog_without_capacity", "1: work is due and no worker is ready", without)
    per_worker = {lane: seen.due[lane] / max(1, seen.ready(lane)) for lane in LANES}
    yield _by_lane("backlog_per_worker", "Due jobs for each ready worker", per_worker)


def _workers(seen: Measures) -> Iterator[GaugeMetricFamily]:
    counts = {(lane, "live"): seen.live(lane) for lane in LANES}
    counts |= {(lane, "ready"): seen.ready(lane) for lane in LANES}
    yield _gauge(
        "workers", "Workers that report; ready: their models are loaded", ("lane", "state"), counts
    )
    slowest: dict[str, float] = {}
    for worker in seen.workers:
        for lane, told in worker["details"].items():
            if lane in LANES and told.get("response_time_ms") is not None:
                seconds = told["response_time_ms"] / 1000
                slowest[lane] = max(seconds, slowest.get(lane, 0.0))
    yield _by_lane("response_seconds", "Slowest worker's last attempt", slowest)
    for name in ("used", "total"):
        yield _gauge(
            f"gpu_memory_{name}_bytes", f"Graphics memory {name}", ("host",),
            {(host,): size for host, size in gpu_memory(seen.workers, name).items()},
        )  # fmt: skip


def _purge(seen: Measures) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    purged = CounterMetricFamily("moksori_purged", "What retention has removed", labels=("what",))
    for what in PURGED:
        purged.add_metric((what,), seen.counters.get(f"purged_{what}", 0.0))
    yield purged
    failures = seen.counters.get("purged_failed", 0.0)
    yield CounterMetricFamily(
        "moksori_purge_failures", "Failed tries to remove an object", failures
    )
    yield _gauge("purge_stuck_objects", "Objects that could not be removed", (), {(): seen.stuck})
    completed = seen.counters.get("purge_completed")
    if completed is not None:
        yield _gauge(
            "purge_completed_timestamp_seconds", "End of the last whole purge", (), {(): completed}
        )


def _by_lane(name: str, help: str, values: Mapping[Any, float]) -> GaugeMetricFamily:
    return _gauge(name, help, ("lane",), {(lane,): value for lane, value in values.items()})


def _gauge(name: str, help: str, labels: Iterable[str], values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"moksori_{name}", help, labels=tuple(labels))
    for which, value in values.items():
        family.add_metric(which, value)
    return family
