"""Fixtures that many tests share: the two databases, the store, a private RabbitMQ node.

Services start when a test first asks for one and stop with the run; under pytest-xdist each process has its
own. `db`, `db_url` and `store` run a test on SQLite and on PostgreSQL.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from flask.testing import FlaskClient
from sqlalchemy import make_url

from speech.database import Database
from speech.migrations import migrate
from speech.store import JobStore
from tests import services
from tests.deployment_fixtures import deployment, kept_deployments, make_deployment  # noqa: F401
from tests.gcs_fixtures import gcs_url  # noqa: F401
from tests.recorded_bells import RecordedBells
from tests.server_fixtures import Served, serve, working
from tests.shelves import shelf  # noqa: F401

BOTH = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgres", id="postgres", marks=pytest.mark.postgres),
]
_serial = itertools.count()


@pytest.fixture(scope="session", autouse=True)
def english() -> Iterator[None]:
    """The command line speaks the terminal's language; here everybody's is English."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LC_ALL", "C.UTF-8")
        yield


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL cluster of this run's own."""
    with services.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def rabbitmq_node() -> Iterator[services.Node]:
    """A RabbitMQ node of this run's own; a test that kills it must leave it running."""
    with services.rabbitmq() as node:
        yield node


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "moksori.db"
    _migrated(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated database, to be copied."""
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE template_moksori")
    _migrated(_beside(postgres_url, "template_moksori"))
    return "template_moksori"


def _migrated(url: str) -> None:
    database = Database(url)
    migrate(database)
    database.close()


def _beside(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Makes fresh migrated databases: "sqlite" or "postgres" to a URL."""
    made: list[tuple[str, str]] = []

    def make(kind: str) -> str:
        if kind == "sqlite":
            path = tmp_path / f"store-{next(_serial)}.db"
            shutil.copy(request.getfixturevalue("sqlite_template"), path)
            return f"sqlite:///{path}"
        cluster = request.getfixturevalue("postgres_url")
        template = request.getfixturevalue("postgres_template")
        name = f"test_{next(_serial)}"
        with psycopg.connect(cluster, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append((cluster, name))
        return _beside(cluster, name)

    yield make
    for cluster, name in made:
        with psycopg.connect(cluster, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=BOTH)
def db_url(request: pytest.FixtureRequest, new_database: Callable[[str], str]) -> str:
    """The URL of a fresh migrated database, once on SQLite and once on PostgreSQL."""
    return new_database(request.param)


@pytest.fixture
def db(db_url: str) -> Iterator[Database]:
    """A fresh migrated Database, once on SQLite and once on PostgreSQL."""
    database = Database(db_url, durable=False)
    yield database
    database.close()


@pytest.fixture
def bells() -> RecordedBells:
    """Bells that write down what was rung."""
    return RecordedBells()


@pytest.fixture
def store(db: Database, bells: RecordedBells) -> JobStore:
    """A JobStore on either database whose bells are `bells`."""
    return JobStore(db, bells)


@pytest.fixture
def served(new_database: Callable[[str], str], tmp_path: Path) -> Iterator[Served]:
    """The HTTP server's app on SQLite and a folder, with a playing worker."""
    with working(serve(new_database("sqlite"), tmp_path)) as made:
        yield made
    made.store.db.close()


@pytest.fixture
def client(served: Served) -> FlaskClient:
    """A client of that app."""
    return served.app.test_client()
