"""Fixtures over tests/deployments.py: one deployment a mode for many tests, and fresh ones on demand."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from tests.deployments import Deployment

EMBEDDED = pytest.param("embedded", id="embedded")
RABBITMQ = pytest.param(
    "rabbitmq", id="rabbitmq", marks=[pytest.mark.rabbitmq, pytest.mark.postgres]
)
MODES = [EMBEDDED, RABBITMQ]
_serial = itertools.count()


@pytest.fixture(scope="session")
def make_deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Deployment]:
    """Makes a Deployment of a mode with settings, to be used as a context."""

    def make(mode: str, **settings: Any) -> Deployment:
        folder = tmp_path_factory.mktemp(f"deployment-{next(_serial)}") / "d"
        if mode == "embedded":
            return Deployment(folder, **settings)
        url = _new_database(request.getfixturevalue("postgres_url"))
        node = request.getfixturevalue("rabbitmq_node")
        return Deployment(folder, node=node, database_url=url, **settings)

    return make


def _new_database(cluster: str) -> str:
    name = f"deployment_{next(_serial)}"
    with psycopg.connect(cluster, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    return make_url(cluster).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def kept_deployments(make_deployment: Callable[..., Deployment]) -> Iterator[dict[str, Deployment]]:
    kept: dict[str, Deployment] = {}
    yield kept
    for one in kept.values():
        one.__exit__()


@pytest.fixture(params=MODES)
def deployment(
    request: pytest.FixtureRequest,
    make_deployment: Callable[..., Deployment],
    kept_deployments: dict[str, Deployment],
) -> Deployment:
    """A deployment with one ready speech worker, once embedded and once on RabbitMQ."""
    if request.param not in kept_deployments:
        kept_deployments[request.param] = make_deployment(request.param).__enter__()
    return kept_deployments[request.param].renew()
