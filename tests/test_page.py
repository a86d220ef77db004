"""The page, driven in headless Chromium against `moksori serve` with the stub engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from speech import access
from speech.access import NewKey
from speech.database import Database
from speech.messages import say
from speech.settings import Settings
from tests.page_fixtures import Visit, chromium, serving
from tests.stub_engine import HEARD, write_tone

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SLOW_PLAN = '{"sleep": 20, "steps": 100}'
REFUSED = "Failed to load resource: the server responded with a status of 400 (BAD REQUEST)"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("page")) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """The open page; after the test nothing has left the machine and nothing was complained of."""
    made = Visit(browser, address)
    try:
        yield made.open()
        assert made.foreign() == []
        assert made.complaints == []
    finally:
        made.leave()


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    path = tmp_path / "안녕.wav"
    write_tone(path, 2.0)
    return path


def test_a_text_is_spoken_by_the_chosen_member_and_can_be_heard(visit: Visit):
    page = visit.page
    page.fill("#text", "오늘은 날씨가 좋습니다.")
    page.get_by_role("radio", name="다온").check(force=True)
    page.focus("#speed")
    page.keyboard.press("ArrowRight")
    page.click("#say")

    expect(page.locator("#speak .files a")).to_have_text(
        ["speech.wav", "speech.srt", "speech.vtt", "speech.json"]
    )
    sound = visit.sound("#speak")
    assert sound["duration"] == pytest.approx(1.0, abs=0.05) and sound["error"] is None
    assert str(sound["src"]).startswith(f"{visit.address}/files/")
    request = visit.get("/v1/jobs?kind=speech").json()["data"][0]["request"]
    assert (request["voice"], request["speed"]) == (3, 1.07)
    expect(page.locator("#speak ol li")).to_have_text(["0:00.0오늘은 날씨가 좋습니다."])
    expect(page.locator("#speak canvas")).to_be_visible()


def test_the_sound_can_be_saved_under_its_name(visit: Visit):
    visit.page.click("#say")
    with visit.page.expect_download() as download:
        visit.page.click("#speak .files a >> text=speech.wav")
    assert download.value.suggested_filename == "speech.wav"
    assert download.value.path().read_bytes()[:4] == b"RIFF"


def test_progress_and_sentences_are_shown_while_the_job_runs_and_cancel_ends_it(visit: Visit):
    page = visit.page
    page.fill("#text", SLOW_PLAN)
    page.click("#say")

    expect(page.locator("#speak .run [role=status]")).to_have_text("읽는 중")
    expect(page.locator("#speak ol li").first).to_contain_text(HEARD[0])
    expect(page.locator("#speak progress")).not_to_have_js_property("value", 0)
    assert page.locator("#speak progress").evaluate("bar => bar.value") < 1
    expect(page.locator("#say")).to_be_disabled()
    page.click("#speak .cancel")

    expect(page.locator("#speak .run [role=status]")).to_have_text("취소했습니다")
    expect(page.locator("#say")).to_be_enabled()
    expect(page.locator("#speak audio")).to_be_hidden()
    assert visit.get("/v1/jobs?kind=speech").json()["data"][0]["state"] == "cancelled"


def test_a_job_that_waits_tells_its_place_in_line(visit: Visit, browser: Browser):
    page, other = visit.page, Visit(browser, visit.address).open()
    other.page.fill("#text", SLOW_PLAN)
    other.page.click("#say")
    expect(other.page.locator("#speak .run [role=status]")).to_have_text("읽는 중")
    page.click("#say")
    expect(page.locator("#speak .run [role=status]")).to_have_text("차례를 기다리는 중 · 1번째")
    other.page.click("#speak .cancel")
    expect(page.locator("#speak .run [role=status]")).to_have_text("다 됐습니다")
    other.context.close()


def test_an_error_is_told_in_one_place_in_the_language_of_the_page(visit: Visit):
    page, fault = visit.page, visit.page.get_by_role("alert")
    expect(fault).to_be_hidden()
    page.fill("#text", "  ")
    page.click("#say")
    expect(fault).to_contain_text("읽을 글이 없습니다")
    page.get_by_role("button", name="닫기").click()
    expect(fault).to_be_hidden()

    page.get_by_role("button", name="English").click()
    page.click("#say")
    expect(fault.locator("p")).to_have_text(say("empty_text", "en", param="input"))
    expect(page.locator("#say")).to_be_enabled()
    assert visit.complaints == [REFUSED, REFUSED]  # Chromium's own note on any 400
    visit.complaints.clear()


def test_a_job_that_failed_tells_why_in_the_language_of_the_page(visit: Visit):
    visit.page.fill("#text", '{"refuse": true}')
    visit.page.click("#say")
    expect(visit.page.get_by_role("alert")).to_contain_text("파일이 비어 있습니다")
    expect(visit.page.locator("#speak .run [role=status]")).to_have_text("실패했습니다")


def test_a_line_just_before_a_minute_does_not_start_at_second_sixty(visit: Visit):
    visit.page.evaluate("line(hear, { start: 59.96, end: 61, text: '가' })")
    expect(visit.page.locator("#hear ol time")).to_have_text("1:00.0")


def test_a_file_is_transcribed_and_a_line_leads_to_its_place_in_the_sound(visit: Visit, tone: Path):
    page = visit.page
    page.select_option("#language", "ko")
    page.set_input_files("#file", tone)

    expect(page.locator("#hear ol li")).to_have_text([f"0:00.0{HEARD[0]}", f"0:01.0{HEARD[1]}"])
    expect(page.locator("#hear .files a")).to_have_text(
        ["transcript.json", "transcript.txt", "transcript.srt", "transcript.vtt"]
    )
    assert visit.sound("#hear")["duration"] == pytest.approx(2.0, abs=0.05)
    page.locator("#hear ol button").nth(1).click()
    assert page.locator("#hear audio").evaluate("node => node.currentTime") >= 1.0
    expect(page.locator("#hear ol [data-now]")).to_contain_text(HEARD[1])
    job = visit.get("/v1/jobs?kind=transcription").json()["data"][0]
    assert job["request"]["language"] == "ko"


def test_a_dropped_file_is_transcribed(visit: Visit):
    visit.page.evaluate(
        """() => {
            const held = new DataTransfer();
            held.items.add(new File(['not really sound'], 'note.mp3', { type: 'audio/mpeg' }));
            document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true }));
        }"""
    )
    expect(visit.page.locator("#hear ol li")).to_have_count(2)


def test_a_transcription_can_be_cancelled(visit: Visit, tmp_path: Path):
    plan = tmp_path / "plan.json"
    plan.write_text(SLOW_PLAN)
    visit.page.set_input_files("#file", plan)
    expect(visit.page.locator("#hear ol li").first).to_contain_text(HEARD[0])
    visit.page.click("#hear .cancel")
    expect(visit.page.locator("#hear .run [role=status]")).to_have_text("취소했습니다")
    expect(visit.page.locator("#file")).to_be_enabled()


def test_what_the_microphone_hears_is_transcribed(visit: Visit):
    page, record = visit.page, visit.page.locator("#record")
    record.click()
    expect(record).to_have_text("녹음 끝내고 받아쓰기")
    expect(page.locator("#clock")).to_have_text("녹음하는 중 · 1초")
    record.click()

    expect(page.locator("#hear ol li")).to_have_count(2)
    expect(record).to_have_text("녹음하기")
    expect(page.locator("#hear audio")).to_be_visible()
    assert visit.get("/v1/jobs?kind=transcription").json()["data"][0]["state"] == "succeeded"


def test_the_language_is_switched_everywhere_and_remembered(visit: Visit):
    page = visit.page
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    expect(page.locator("#count")).to_have_text("17 / 100,000자")
    page.click("#say")
    expect(page.locator("#speak .run [role=status]")).to_have_text("다 됐습니다")
    page.get_by_role("button", name="English").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#say")).to_have_text("Read aloud")
    expect(page.locator("#count")).to_have_text("17 / 100,000 characters")
    expect(page.locator("#speak .run [role=status]")).to_have_text("Done")
    page.reload()
    expect(page.locator("#say")).to_have_text("Read aloud")


def test_the_page_is_worked_by_keyboard_alone(visit: Visit):
    page = visit.page
    page.focus("#text")
    page.keyboard.press("Control+A")
    page.keyboard.type("Hello")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")  # from member 1 to member 2
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#speak .files a")).to_have_count(4)
    expect(page.locator("#say")).to_be_focused()
    assert visit.get("/v1/jobs?kind=speech").json()["data"][0]["request"]["voice"] == 2


def test_every_field_has_a_name_and_every_button_says_what_it_does(visit: Visit):
    nameless = visit.page.evaluate(
        """() => [...document.querySelectorAll('button, input, select, textarea')].filter((node) =>
            !(node.labels?.length && [...node.labels].some((one) => one.textContent.trim())) && !node.textContent.trim()
        ).map((node) => node.outerHTML)"""
    )
    assert nameless == []


def test_a_narrow_screen_needs_no_sideways_scrolling(visit: Visit):
    visit.page.set_viewport_size({"width": 320, "height": 640})
    visit.page.click("#say")
    expect(visit.page.locator("#speak .files a")).to_have_count(4)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320


def test_nothing_but_the_pages_own_script_may_run(visit: Visit):
    visit.page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.textContent = 'window.x = 1';
            document.body.append(script);
        }"""
    )
    assert visit.page.evaluate("window.x") is None
    assert any("Content Security Policy" in said for said in visit.complaints)
    visit.complaints.clear()


def test_links_to_127_0_0_1_work_from_localhost_too(browser: Browser, address: str):
    visit = Visit(browser, address.replace("127.0.0.1", "localhost")).open()
    visit.page.click("#say")
    assert visit.sound("#speak")["error"] is None
    expect(visit.page.locator("#speak canvas")).to_be_visible()
    assert visit.complaints == []
    visit.context.close()


@pytest.fixture
def keyed(browser: Browser, tmp_path: Path) -> Iterator[tuple[Visit, str]]:
    """The page of a service that asks for keys, and a key for it."""
    with serving(tmp_path, require_keys="1") as url:
        db = Database(Settings(data_dir=str(tmp_path / "data")).store_url)
        _, text = access.create(db, NewKey("page", ("speak", "transcribe", "read")))
        db.close()
        made = Visit(browser, url)
        yield made, text
        made.context.close()


def test_a_service_with_keys_asks_for_one_once_a_visit(keyed: tuple[Visit, str], tone: Path):
    (visit, text), page = keyed, keyed[0].page
    page.goto("/")
    door, fault = page.get_by_label("API 키"), page.get_by_role("alert")
    expect(door).to_be_focused()
    expect(fault).to_contain_text("API 키가 필요합니다")
    door.fill("mks_00000000_" + "A" * 43)
    page.keyboard.press("Enter")
    expect(fault).to_contain_text("알 수 없는 API 키")
    door.fill(text)
    page.get_by_role("button", name="열기").click()
    expect(page.locator(".seals input")).to_have_count(5)
    expect(door).to_be_hidden()
    expect(fault).to_be_hidden()

    page.click("#say")
    expect(page.locator("#speak .files a")).to_have_count(4)
    assert visit.sound("#speak")["error"] is None
    page.set_input_files("#file", tone)
    expect(page.locator("#hear ol li")).to_have_count(2)
    page.reload()
    expect(page.locator(".seals input")).to_have_count(5)
    assert page.evaluate("[Object.values(localStorage), document.cookie]") == [[], ""]
    assert not any("mks_" in url for url in visit.asked)
    another = visit.context.new_page()
    another.goto("/")
    expect(another.get_by_label("API 키")).to_be_visible()
    assert all("401" in said for said in visit.complaints)  # Chromium's own note
