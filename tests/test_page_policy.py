"""GET / and the policy that keeps the page to its own script, this server and the storage."""

import base64
import hashlib

import pytest
from flask.testing import FlaskClient

from server.page_policy import page_policy
from server.routes.page import PAGE
from speech.settings import Settings

HTML = "<style>a{}</style><p>text</p><script>\nlet x = '<p>';\n</script>"


def directives(policy: str) -> dict[str, list[str]]:
    return {name: rest for name, *rest in (part.split() for part in policy.split("; "))}


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_only_the_pages_own_script_and_style_are_allowed():
    found = directives(page_policy(HTML, Settings()))
    assert found["script-src"] == [digest("\nlet x = '<p>';\n")]
    assert found["style-src"] == [digest("a{}")]
    assert found["default-src"] == found["base-uri"] == found["form-action"] == ["'none'"]


@pytest.mark.parametrize(
    ("settings", "origins"),
    [
        (Settings(port=8123), ["http://127.0.0.1:8123"]),
        (Settings(public_url="https://voice.example.com/speech"), ["https://voice.example.com"]),
        (
            Settings(storage_url="gs://bucket/prefix"),
            ["http://127.0.0.1:8000", "https://storage.googleapis.com"],
        ),
        (
            Settings(storage_url="gs://bucket", storage_endpoint="http://127.0.0.1:4443/"),
            ["http://127.0.0.1:8000", "http://127.0.0.1:4443"],
        ),
    ],
)
def test_sound_and_transcripts_come_from_our_links_and_from_the_storage(settings, origins):
    found = directives(page_policy(HTML, settings))
    assert found["connect-src"] == ["'self'", *origins]
    assert found["media-src"] == ["'self'", "blob:", *origins]


def test_a_browser_gets_the_page_with_its_policy(client: FlaskClient):
    answer = client.get("/", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    html = answer.get_data(as_text=True)
    assert html == PAGE.read_text("utf-8") and answer.content_type == "text/html; charset=utf-8"
    script = html.partition("<script>")[2].partition("</script>")[0]
    assert digest(script) in answer.headers["Content-Security-Policy"]
    assert "Accept" in answer.vary


def test_a_client_that_asks_for_json_is_told_where_to_go_and_how_much_is_taken(client: FlaskClient):
    answer = client.get("/", headers={"Accept": "application/json"}).get_json()
    assert answer["links"]["openapi"] == "/openapi.json"
    assert answer["limits"] == {
        "text_characters": 100_000,
        "upload_bytes": 1_073_741_824,
        "audio_seconds": 14_400.0,
    }


def test_the_page_is_one_file_under_250_lines_that_asks_nothing_of_the_network():
    html = PAGE.read_text("utf-8")
    assert len(html.splitlines()) < 250
    assert "src=" not in html and "@import" not in html and "stylesheet" not in html
