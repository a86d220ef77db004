"""Schema versions of the job store."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from speech.database import Database
from speech.errors import Unavailable
from speech.migrations import check, migrate, wanted
from speech.schema import metadata

MIGRATE = (
    "import sys\nfrom speech.database import Database\nfrom speech.migrations import migrate\n"
    "db = Database(sys.argv[1])\nprint(migrate(db))\ndb.close()\n"
)


def test_the_migrations_make_the_schema_that_the_code_states(db: Database) -> None:
    with db.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_partial_indexes_have_the_conditions_that_the_code_states(db: Database) -> None:
    with db.read() as connection:
        found = {
            index["name"]: re.sub("[()]", "", str(index["dialect_options"][f"{db.dialect}_where"]))
            for table in metadata.tables
            for index in inspect(connection).get_indexes(table)
            if f"{db.dialect}_where" in index.get("dialect_options", {})
        }
    stated = {
        index.name: str(index.dialect_options[db.dialect]["where"])
        for table in metadata.tables.values()
        for index in table.indexes
        if index.dialect_options[db.dialect]["where"] is not None
    }
    assert found == stated


def test_a_second_migration_changes_nothing(db: Database) -> None:
    assert migrate(db) == wanted()
    check(db)


def test_an_older_schema_is_refused(db: Database) -> None:
    with db.write() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(Unavailable, match="moksori migrate") as refused:
        check(db)
    assert refused.value.code == "schema_too_old"
    assert refused.value.fields == {"found": "0000", "wanted": wanted()}


def test_an_empty_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        check(Database(f"sqlite:///{tmp_path}/empty.db"))
    assert refused.value.fields["found"] == "none"


@pytest.mark.slow
def test_several_processes_may_migrate_an_empty_database_at_once(
    db_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/new/store.db"
    if db_url.startswith("postgresql"):
        url = db_url
        with contextlib.closing(Database(url)) as database, database.write() as tx:
            metadata.drop_all(tx.connection)
            tx.connection.execute(text("DROP TABLE alembic_version"))
    processes = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, url], stdout=-1, stderr=-1, text=True)
        for _ in range(5)
    ]
    told = [(*process.communicate(timeout=60), process.returncode) for process in processes]
    assert [(out.strip(), code) for out, _, code in told] == [(wanted(), 0)] * 5, told
    with contextlib.closing(Database(url)) as database:
        check(database)
