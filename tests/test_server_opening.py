"""A server process from its settings."""

from dataclasses import replace

import pytest

from server.opening import open_app
from speech.settings import Settings


def test_an_older_schema_is_refused_with_what_to_run(tmp_path):
    with pytest.raises(SystemExit, match="moksori migrate"):
        open_app(replace(Settings(), data_dir=str(tmp_path)))


def test_wrong_settings_are_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="MOKSORI_STORAGE_URL"):
        _migrate(tmp_path)
        open_app(replace(Settings(), data_dir=str(tmp_path), storage_url="s3://bucket"))


def _migrate(folder):
    from speech.database import Database
    from speech.migrations import migrate

    database = Database(replace(Settings(), data_dir=str(folder)).store_url)
    migrate(database)
    database.close()
