"""A server process from its settings."""

from dataclasses import replace

import pytest

from server.opening import open_app, refuse_open_bind
from speech.settings import Settings


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost"])
def test_loopback_is_fine(host):
    refuse_open_bind(replace(Settings(), host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.1", "localhost.example.com"])
def test_any_other_address_is_refused(host):
    with pytest.raises(ValueError, match=r"Listen on 127\.0\.0\.1"):
        refuse_open_bind(replace(Settings(), host=host))


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
