"""Large files from the page, in headless Chromium: in pieces, over breaks, and given up."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Page, Route, expect

from speech.gcs import GoogleStorage
from speech.links import Links
from tests.gcs_fixtures import BUCKET, Fault, FaultStore, fault_store, gcs_url  # noqa: F401
from tests.page_fixtures import Visit, chromium, serving
from tests.services import until
from tests.stub_engine import HEARD

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SIZE = 20_000_000
PIECES = re.compile(r":\d+/uploads/")
LOST = "연결이 끊겨 다시 시도하는 중"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    made = Visit(browser, address)
    try:
        yield made.open()
        assert made.foreign() == []
        # Chromium's own notes on what was broken on purpose; none of the page's.
        assert [said for said in made.complaints if "Failed to load resource" not in said] == []
    finally:
        made.leave()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "긴 영상.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


def said(page: Page):
    return page.locator("#hear .run [role=status]")


def sent(page: Page) -> float:
    return page.locator("#hear progress").evaluate("bar => bar.value")


def network(session: CDPSession, rate: float, offline: bool = False) -> None:
    """Let the page send `rate` bytes a second at most (-1: as it can), or nothing at all."""
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": rate},
    )


def latest(visit: Visit) -> dict:
    return visit.get("/v1/jobs?kind=transcription").json()["data"][0]


def test_a_large_file_is_sent_in_pieces_and_transcribed(visit: Visit, film: Path, folder: Path):
    visit.page.select_option("#language", "ko")
    visit.page.set_input_files("#file", film)
    expect(visit.page.locator("#hear ol li")).to_have_count(len(HEARD))
    assert len([url for url in visit.asked if PIECES.search(url)]) == 3
    job = latest(visit)
    assert job["request"]["language"] == "ko"
    upload = visit.get(f"/v1/uploads/{job['request']['upload']}").json()
    assert (upload["state"], upload["name"]) == ("complete", film.name)
    assert upload["content_type"] == "video/mp4"
    stored = folder / "data" / "artifacts" / "t" / "default" / "inputs" / upload["id"]
    assert stored.read_bytes() == film.read_bytes()


def test_breaks_and_errors_of_the_server_cost_a_piece_and_not_the_file(
    visit: Visit, film: Path, folder: Path
):
    pieces = []

    def spoil(route: Route) -> None:
        pieces.append(route.request.headers["content-range"])
        if len(pieces) == 2:
            route.abort("connectionreset")
        elif len(pieces) == 4:
            route.fulfill(status=503, json={"error": {"message": "away", "code": "x"}})
        else:
            route.continue_()

    visit.page.route(PIECES, spoil)
    visit.page.set_input_files("#file", film)
    expect(said(visit.page)).to_have_text(LOST)
    expect(visit.page.locator("#hear ol li")).to_have_count(len(HEARD))
    begins = [piece.removeprefix("bytes ").partition("-")[0] for piece in pieces]
    assert begins == ["0", "8388608", "8388608", "16777216", "16777216"]
    inputs = folder / "data" / "artifacts" / "t" / "default" / "inputs"
    stored = inputs / latest(visit)["request"]["upload"]
    assert stored.read_bytes() == film.read_bytes()


def test_a_network_that_goes_away_is_waited_for_and_progress_is_shown(visit: Visit, film: Path):
    page, session = visit.page, visit.context.new_cdp_session(visit.page)
    network(session, 3_000_000)
    page.set_input_files("#file", film)
    expect(said(page)).to_have_text("보내는 중")
    until(lambda: sent(page) > 0.05, 15, "some of it is sent")
    network(session, -1, offline=True)
    expect(said(page)).to_have_text(LOST)
    network(session, -1)
    expect(page.locator("#hear ol li")).to_have_count(len(HEARD))


def test_a_large_file_can_be_stopped_on_its_way(visit: Visit, film: Path):
    page = visit.page
    network(visit.context.new_cdp_session(page), 1_000_000)
    with page.expect_response("**/v1/uploads") as begun:
        page.set_input_files("#file", film)
    upload = begun.value.json()["id"]
    until(lambda: sent(page) > 0, 15, "some of it is sent")
    with page.expect_response(f"**/v1/uploads/{upload}") as given_up:
        page.click("#hear .cancel")
    assert given_up.value.status == 204
    assert visit.get(f"/v1/uploads/{upload}").status_code == 404
    expect(page.locator("#file")).to_be_enabled()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_a_file_that_is_refused_tells_why(visit: Visit, film: Path):
    visit.page.route(
        PIECES,
        lambda route: route.fulfill(status=410, json={"error": {"message": "다 지난 업로드"}}),
    )
    visit.page.set_input_files("#file", film)
    expect(visit.page.get_by_role("alert")).to_contain_text("다 지난 업로드")
    expect(visit.page.locator("#file")).to_be_enabled()


@pytest.fixture(scope="module")
def bucket(gcs_url: str) -> Iterator[FaultStore]:  # noqa: F811
    with fault_store(gcs_url, sessions=True) as store:
        yield store


@pytest.fixture(scope="module")
def on_bucket(bucket: FaultStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("page")
    place = {"storage_url": f"gs://{BUCKET}/page", "storage_endpoint": bucket.url}
    with serving(folder, **place) as url:
        yield url


@pytest.mark.gcs
@pytest.mark.parametrize("kind", ["cut", "503", "part", "swallow"])
def test_a_large_file_goes_straight_to_the_bucket_and_over_breaks_there(
    browser: Browser, on_bucket: str, bucket: FaultStore, film: Path, kind: str
):
    visit = Visit(browser, on_bucket).open()
    bucket.faults = [Fault(kind, 1, "PUT", "upload_id", every=2)]
    visit.page.set_input_files("#file", film)
    expect(visit.page.locator("#hear ol li")).to_have_count(len(HEARD), timeout=20_000)
    assert not [url for url in visit.asked if PIECES.search(url)], "no byte went by the server"
    links = Links(on_bucket, "unused")
    storage = GoogleStorage(f"gs://{BUCKET}/page", links, bucket.url)
    upload = latest(visit)["request"]["upload"]
    assert b"".join(storage.open(f"t/default/inputs/{upload}")) == film.read_bytes()
    visit.context.close()
