"""Which web pages may call."""

from dataclasses import replace

import pytest

from server.origins import allowed_origins
from speech.settings import Settings
from tests.key_fixtures import new_key
from tests.server_fixtures import serve, working

SITE = "https://app.example.com"


@pytest.fixture
def open_to_site(new_database, tmp_path):
    with working(
        serve(new_database("sqlite"), tmp_path, cors_origins=f"{SITE}, http://localhost:3000")
    ) as made:
        yield made.app.test_client()
    made.store.db.close()


def preflight(client, origin):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key, prefer",
    }
    return client.options("/v1/jobs", headers=headers).headers


def test_a_listed_origin_may_call_and_read_our_headers(open_to_site):
    allowed = preflight(open_to_site, SITE)
    assert allowed["Access-Control-Allow-Origin"] == SITE
    assert "POST" in allowed["Access-Control-Allow-Methods"]
    assert "idempotency-key" in allowed["Access-Control-Allow-Headers"]
    answer = open_to_site.get("/v1/models", headers={"Origin": "http://localhost:3000"})
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert {"Location", "Retry-After", "X-Request-Id", "X-Moksori-Job"} <= set(
        answer.headers["Access-Control-Expose-Headers"].split(", ")
    )
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_errors_can_be_read_by_a_listed_origin_too(open_to_site):
    answer = open_to_site.get("/v1/jobs/none", headers={"Origin": SITE})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (404, SITE)


@pytest.mark.parametrize(
    "origin",
    [
        "null", "http://app.example.com", "https://app.example.com.evil.com", "https://xapp.example.com",
        "https://app.example.com:444", "https://appXexample.com", "https://evil.com/https://app.example.com",
        "http://localhost", "*", "",
    ],
)  # fmt: skip
def test_any_other_origin_gets_no_leave(open_to_site, origin):
    assert "Access-Control-Allow-Origin" not in preflight(open_to_site, origin)


def test_by_default_no_origin_has_leave(client):
    assert "Access-Control-Allow-Origin" not in preflight(client, SITE)


@pytest.mark.parametrize(
    "text", ["*", "https://*.example.com", "example.com", "https://a.com/", "null", "ftp://a.com"]
)
def test_an_origin_that_is_not_exact_is_refused_at_start(text):
    with pytest.raises(ValueError, match="MOKSORI_CORS_ORIGINS"):
        allowed_origins(replace(Settings(), cors_origins=text))


@pytest.mark.parametrize(
    ("site", "origin", "status"),
    [
        ("cross-site", "https://evil.com", 403),
        ("same-site", "http://127.0.0.1:9999", 403),
        ("cross-site", None, 403),
        ("cross-site", SITE, 202),
        ("same-origin", "http://127.0.0.1:8000", 202),
        ("none", None, 202),
    ],
)
def test_another_sites_page_cannot_start_jobs_through_a_visitors_browser(
    open_to_site, site, origin, status
):
    headers = {"Sec-Fetch-Site": site} | ({"Origin": origin} if origin else {})
    body = {"kind": "speech", "input": "a", "voice": 1}
    assert open_to_site.post("/v1/jobs", json=body, headers=headers).status_code == status


@pytest.fixture
def keyless(new_database, tmp_path):
    """A server without keys."""
    made = serve(new_database("sqlite"), tmp_path)
    yield made
    made.store.db.close()


def asked(served, host, headers=None, path="/v1/jobs"):
    answer = served.app.test_client().get(path, headers={"Host": host} | (headers or {}))
    return answer.status_code, (answer.json.get("error") or {}).get("code")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "a.localhost", "127.0.0.1:8000", "[::1]:8000", "10.0.0.7"],
)
def test_without_keys_this_machine_is_called_by_its_own_names(keyless, host):
    assert asked(keyless, host) == (200, None)


@pytest.mark.parametrize(
    "host", ["evil.example.com", "evil.example.com:8000", "localhost.evil.com", "127.0.0.1.nip.io",
             "xlocalhost", "[::1", "127.1"],
)  # fmt: skip
def test_a_page_that_leads_its_name_here_is_refused_until_keys_are_asked_for(keyless, host):
    assert asked(keyless, host) == (403, "foreign_host")
    assert asked(keyless, host, path="/health")[0] == 200
    _, key = new_key(keyless)
    assert asked(keyless, host) == (401, "key_missing")
    assert asked(keyless, host, key) == (200, None)


def test_the_public_name_is_ours(new_database, tmp_path):
    made = serve(new_database("sqlite"), tmp_path)
    service = made.app.extensions["moksori"]
    url = "https://Voices.example.com/api"
    made.app.extensions["moksori"] = replace(
        service, settings=replace(made.settings, public_url=url)
    )
    assert asked(made, "voices.example.com") == (200, None)
    assert asked(made, "other.example.com") == (403, "foreign_host")
    made.store.db.close()
