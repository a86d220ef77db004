"""Schema versions of the job store, run by `moksori migrate` through Alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from speech.database import Database
from speech.errors import Unavailable


def migrate(db: Database) -> str:
    """Bring the schema to this version; returns its revision. Safe to call from several processes at once."""
    with db.engine.execution_options(sqlite_begin="IMMEDIATE").begin() as connection:
        if db.dialect == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7201)")
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return wanted()


def check(db: Database) -> None:
    """Refuse an older schema. Raises Unavailable("schema_too_old")."""
    with db.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found != wanted():
        raise Unavailable("schema_too_old", found=found or "none", wanted=wanted())


def wanted() -> str:
    """The revision that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def is_known(revision: str) -> bool:
    """Whether a revision is one that this code has come by."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return revision in {script.revision for script in known}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    return config
