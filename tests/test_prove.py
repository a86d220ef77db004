"""The proof of `moksori serve --prove`, against the real server with a playing worker."""

from pathlib import Path

import pytest

from moksori.prove import prove_it
from tests.key_fixtures import new_key
from tests.live_server import gunicorn
from tests.server_fixtures import HEARD

pytestmark = pytest.mark.slow


def test_the_proof_sends_a_key_where_one_is_asked_for(sqlite_template: Path, tmp_path: Path):
    (tmp_path / "store.db").write_bytes(sqlite_template.read_bytes())
    with gunicorn(f"sqlite:///{tmp_path}/store.db", tmp_path) as live:
        said: list[str] = []
        assert prove_it(live.base, said.append)
        assert any(HEARD.text in line for line in said)
        _, headers = new_key(live.beside, "speak", "transcribe")
        key = headers["Authorization"].removeprefix("Bearer ")
        assert prove_it(live.base, said.append, key)
        said.clear()
        assert not prove_it(live.base, said.append)
        assert "key_missing" in said[-2] and "MOKSORI_API_KEY" in said[-1]
