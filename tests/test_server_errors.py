"""Every error in one shape, in two languages, with a request id."""

import json

import pytest
from werkzeug.exceptions import RequestURITooLarge

from server.contract import Told, tells
from server.errors import STATUS, failed_status, status_of, stored_message
from server.shapes import ErrorShape
from speech import errors
from speech.errors import Conflict, Internal, NotFound, StorageUnavailable, Unavailable
from speech.messages import MESSAGES


def raising(served, error):
    """A route that fails; it stands only in this test's app."""

    @tells(Told(open=True))
    def fail():
        raise error

    served.app.add_url_rule("/fail", view_func=fail)
    return served.app.test_client().get("/fail")


def test_every_class_of_the_tree_has_a_status():
    classes = [
        one
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, errors.SpeechError)
    ]
    assert len(classes) > 8
    for one in classes:
        assert status_of(one("internal")) == failed_status({"class": one.__name__}) or one in {
            NotFound,
            errors.Gone,
            errors.TooLarge,
        }
    assert failed_status({"class": "NotFound"}) == failed_status({"class": "TooLarge"}) == 400
    assert failed_status({"class": "FromALaterVersion"}) == 500
    assert set(STATUS.values()) == {400, 401, 403, 404, 409, 410, 413, 429, 500, 503, 504}


def test_an_error_has_openais_shape_and_the_request_id(client):
    answer = client.get("/v1/jobs/none", headers={"X-Request-Id": "mine-1"})
    ErrorShape.model_validate(answer.json)
    assert answer.json["error"] == {
        "message": "There is no job none.",
        "type": "invalid_request_error",
        "code": "job_not_found",
        "param": None,
    }
    assert answer.headers["X-Request-Id"] == "mine-1"
    other = client.get("/v1/jobs/none", headers={"X-Request-Id": "a b\tc" * 40})
    assert len(other.headers["X-Request-Id"]) == 36


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ("ko", "none 작업이"),
        ("ko-KR,ko;q=0.9,en;q=0.8", "none 작업이"),
        ("en-US,en;q=0.9,ko;q=0.8", "There is"),
        ("fr", "There is"),
        ("", "There is"),
        ("*", "There is"),
        (";;;q=nonsense", "There is"),
    ],
)
def test_the_message_is_in_the_language_that_was_asked_for(client, asked, start):
    answer = client.get("/v1/jobs/none", headers={"Accept-Language": asked})
    assert answer.json["error"]["message"].startswith(start)


def test_a_route_or_method_that_is_not_there_has_the_same_shape(client):
    answer = client.get("/v1/nothing")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "route_not_found")
    answer = client.put("/v1/jobs")
    assert (answer.status_code, answer.json["error"]["code"]) == (405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(" ", "").split(","))


def test_what_breaks_on_our_side_is_a_500_without_details(served):
    answer = raising(served, RuntimeError("secret path /etc"))
    assert (answer.status_code, answer.json["error"]["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert answer.json["error"]["type"] == "server_error"
    assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "error", [Unavailable("store_unavailable"), StorageUnavailable("storage_unavailable")]
)
def test_an_outage_is_a_503_that_says_when_to_come_back(served, error):
    answer = raising(served, error)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_other_http_errors_keep_their_status(served):
    answer = raising(served, RequestURITooLarge())
    assert (answer.status_code, answer.json["error"]["code"]) == (414, "bad_request")


def test_an_internal_error_of_ours_is_a_500_with_its_code(served):
    answer = raising(served, Internal("internal"))
    assert answer.status_code == 500


def test_a_conflict_is_not_repeated_by_openais_client(served):
    assert (
        raising(served, Conflict("not_final", state="queued")).headers["x-should-retry"] == "false"
    )


def test_a_stored_error_of_an_unknown_code_still_reads():
    assert stored_message({"code": "from_a_later_version"}, "en") == MESSAGES["internal"][0]


def test_a_stores_outage_is_told_on_every_route_that_needs_it(served, client, monkeypatch):
    def away(*_args, **_named):
        raise Unavailable("store_unavailable")

    for name in ("create", "get", "page"):
        monkeypatch.setattr(served.store, name, away)
    asked = json.dumps({"input": "a", "voice": 1})
    for answer in (
        client.post("/v1/audio/speech", data=asked, content_type="application/json"),
        client.get("/v1/jobs"),
        client.get("/v1/jobs/none"),
    ):
        assert (answer.status_code, answer.json["error"]["code"]) == (503, "store_unavailable")
