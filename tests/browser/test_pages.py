"""The pages in a real browser, as people use them: keys, buttons, live progress, both languages and both themes."""

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect

import netty.web.pages
from netty.model.found import FoundStudy
from netty.model.retrieval import LedgerState, RetrievalState
from netty.web.table import cell_id
from support.pages import PASSWORD, ROOT, US_MULTIFRAME, Town, make_study
from support.serving import served

WHOLE, PARTIAL, ABSENT = f"{ROOT}.1", f"{ROOT}.2", f"{ROOT}.3"

# What the browser or htmx notes although all is well: a step that a newer one overtakes, a refusal said in words.
EXPECTED = re.compile("htmx:(sendAbort|afterRequest)|status of 400|Status Error Code 400")
# And where the session ends under open pages: what was asked just before is answered after it.
EXPECTED_AT_THE_END = re.compile(f"{EXPECTED.pattern}|status of 401|Status Error Code 401")


@pytest.fixture
def address(town: Town) -> Iterator[str]:
    with served(town.app()) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """An operator's page, logged in, in English. Whatever the browser complains about fails the test."""
    yield from _opened(browser, address, "en-US", "light")


@pytest.fixture
def ending_page(browser: Browser, address: str) -> Iterator[Page]:
    """As `page`; the test logs out."""
    yield from _opened(browser, address, "en-US", "light", expected=EXPECTED_AT_THE_END)


def _opened(
    browser: Browser, address: str, locale: str, theme: str, width: int = 1366, expected: re.Pattern[str] = EXPECTED
) -> Iterator[Page]:
    context = browser.new_context(
        base_url=address,
        locale=locale,
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Asia/Tokyo",
        viewport={"width": width, "height": 860},
    )
    context.set_default_timeout(10_000)
    complaints: list[str] = []  # of every tab
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    elsewhere: list[str] = []

    def note(request: Request) -> None:
        if not request.url.startswith(address):
            elsewhere.append(request.url)

    context.on("request", note)
    page.goto("/")
    page.fill("#name", "operator")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url(f"{address}/")
    yield page
    context.close()
    assert not [one for one in complaints if not expected.search(one)]
    assert not elsewhere, "the pages work without the internet"


def _cell(page: Page, remote: str, study: str) -> str:
    return f"#{cell_id(remote, study)}"


def _listed(town: Town, study: str) -> FoundStudy:
    listed: list[FoundStudy] = [one.study for view in town.linkage.noted("P001") for one in view.studies]
    return next(one for one in listed if one.study_instance_uid == study)


def _work(town: Town, study: str, *, received: int, final: bool = False) -> None:
    """What the worker would do: `received` images of the study arrive and are rendered."""
    retrieval = next(one for one in town.retrievals.list() if one.study_instance_uid == study)
    entries = town.retrievals.ledger(retrieval.id)
    rendered = {one.sop_instance_uid: (LedgerState.RENDERED, "") for one in entries[:received]}
    town.retrievals.update(retrieval.id, state=RetrievalState.MOVING, started_at=datetime.now(UTC))
    town.retrievals.mark(retrieval.id, rendered)
    if final:
        town.retrievals.update(retrieval.id, state=RetrievalState.COMPLETE, ended_at=datetime.now(UTC))


def test_a_study_is_fetched_and_seen(town: Town, page: Page) -> None:
    """The whole way: patient, button, progress without a reload, picture."""
    page.click("text=山田 太郎")
    cell = page.locator(_cell(page, "central", ABSENT))
    expect(cell).to_contain_text("missing 0/2")
    page.evaluate("window.stillHere = true")

    cell.get_by_role("button").click()
    expect(cell).to_contain_text("queued 0/2")
    _work(town, ABSENT, received=1)
    expect(cell).to_contain_text("moving 1/2")
    expect(cell.locator("progress")).to_have_attribute("value", "1")
    town.hold(_listed(town, ABSENT), "P001", "central", study_description="胸部")
    _work(town, ABSENT, received=2, final=True)
    expect(cell).to_contain_text("held 2")
    assert page.evaluate("window.stillHere"), "nothing was loaded anew"

    page.get_by_role("link", name="2025-12-24").click()
    page.locator(".film a").first.click()
    expect(page.locator("#picture")).to_be_visible()
    expect(page.locator("#picture")).to_have_js_property("naturalWidth", 128)
    expect(page.locator("footer")).to_contain_text("not for primary diagnosis")


def test_everything_that_is_missing_is_asked_for_by_one_button(town: Town, page: Page) -> None:
    page.goto("/patients/P001")

    page.get_by_role("button", name="Fetch everything that is missing").click()

    expect(page.locator(_cell(page, "east", f"{ROOT}.4"))).to_contain_text("queued 0/4")
    assert {one.study_instance_uid for one in town.retrievals.list()} == {PARTIAL, ABSENT, f"{ROOT}.4"}
    expect(page.locator("#fetch")).to_be_disabled()


def test_a_search_brings_each_remotes_answer_by_itself(page: Page) -> None:
    """Nobody listens at these remotes, and each column says so in words; the last answers stay."""
    page.goto("/patients/P001")

    page.get_by_role("button", name="Search all remotes").click()

    expect(page.locator("th.remote.dead")).to_have_count(3)
    expect(page.locator("th.remote").first).to_contain_text("last answer")
    expect(page.locator(_cell(page, "central", WHOLE))).to_contain_text("held 5")


def test_a_search_works_while_typing_whichever_width_is_typed(page: Page) -> None:
    page.fill("#q", "Ｐ００２")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody")).to_contain_text("Tanaka Hanako")

    page.fill("#q", "山田太郎")  # registered with a blank between
    expect(page.locator("tbody")).to_contain_text("山田 太郎")

    page.fill("#q", "nobody")
    expect(page.locator(".empty")).to_contain_text("No patient matches")


def test_images_and_frames_are_stepped_through_by_keys(town: Town, page: Page) -> None:
    film = make_study(8, "0012345", ("US", 2))
    town.hold(film, "P001", "central", frames=3, sop_class_uid=US_MULTIFRAME)
    page.goto(f"/studies/{film.study_instance_uid}")
    page.locator(".film a").first.click()
    facts = page.locator(".facts")
    expect(facts).to_contain_text("1 / 3")

    page.keyboard.press("ArrowDown")
    expect(facts).to_contain_text("2 / 3")
    page.keyboard.press("ArrowUp")
    expect(facts).to_contain_text("1 / 3")
    page.keyboard.press("ArrowRight")
    expect(facts).to_contain_text("(2 / 2)")
    page.keyboard.press("ArrowRight")  # there is no more: it stays
    page.keyboard.press("Home")
    expect(facts).to_contain_text("(1 / 2)")
    page.go_back()
    expect(facts).to_contain_text("(2 / 2)")


def test_the_person_stays_on_the_screen_beside_every_image(page: Page) -> None:
    page.goto(f"/studies/{WHOLE}")
    page.locator(".film a").first.click()

    for _ in range(2):
        identity = page.locator(".identity")
        expect(identity).to_be_in_viewport()
        for text in ("山田 太郎", "0012345", "1953-04-02"):
            expect(identity).to_contain_text(text)
        page.keyboard.press("ArrowRight")


def test_a_retrieval_is_followed_and_cancelled_on_its_page(town: Town, page: Page) -> None:
    town.linkage.request_study("central", ABSENT, "P001", "somebody")
    page.goto("/jobs")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("queued")

    _work(town, ABSENT, received=1)
    expect(row).to_contain_text("moving")
    expect(row).to_contain_text("1 / 2")
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("being cancelled")
    assert town.retrievals.list()[0].cancel_requested


def test_a_refusal_is_said_in_words_and_the_page_stays(town: Town, page: Page) -> None:
    page.goto("/patients/P001")
    expect(page.locator(".truth")).to_be_visible()
    town.answer("central", "0012345")  # meanwhile the remote lists nothing any more

    with page.expect_response(lambda response: response.url.endswith("/fetch")) as answered:
        page.locator("button[id^=fetch-]").first.click()

    assert answered.value.status == 400
    expect(page.locator("#notice")).to_contain_text("did not list this study in its last answer")


def test_the_language_is_the_readers_choice(page: Page) -> None:
    page.get_by_role("button", name="日本語").click()
    expect(page.locator("h1")).to_have_text("患者")
    expect(page.locator("footer")).to_contain_text("参照用です。一次診断には使用しないでください。")
    page.goto("/patients/P001")
    expect(page.get_by_role("button", name="不足分をすべて取得")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Fetch everything that is missing")).to_be_visible()


def test_logging_out_in_one_tab_empties_the_other(ending_page: Page) -> None:
    ending_page.goto("/patients/P001")
    other = ending_page.context.new_page()
    other.goto("/patients/P001")
    ending_page.bring_to_front()
    ending_page.get_by_role("button", name="Log out").click()

    other.bring_to_front()
    expect(other.locator("#password")).to_be_visible()


CONTRAST = """
() => {
  const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const channels = (colour) => {
    paint.clearRect(0, 0, 1, 1);
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour[3] > 150) return colour;
    }
    return [255, 255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const said = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!said || !element.checkVisibility() || element.closest(":disabled, .unseen")) continue;
    const colours = [channels(getComputedStyle(element).color), ground(element)];
    const [text, back] = colours.map((colour) => luminance(colour.slice(0, 3)));
    const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (ratio < 4.5) faint.push(`${said} ${ratio.toFixed(2)}`);
  }
  return faint;
}
"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_text_has_contrast_in_both_themes(browser: Browser, town: Town, address: str, theme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5:1."""
    town.linkage.request_study("central", ABSENT, "P001", "somebody")
    for page in _opened(browser, address, "ja-JP", theme):
        for place in (
            "/",
            "/patients/P001",
            f"/studies/{WHOLE}",
            f"/studies/{WHOLE}/series/{WHOLE}.1/images/{WHOLE}.1.1",
            "/jobs",
            "/remotes",
            "/password",
        ):
            page.goto(place)
            assert page.evaluate(CONTRAST) == [], place


def test_everything_is_reached_by_the_keyboard_and_the_focus_is_seen(page: Page) -> None:
    page.goto("/patients/P001")
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => { const at = document.activeElement; return at === document.body ? '' :"
                " (at.id || at.textContent.trim()) + '|' + getComputedStyle(at).outlineStyle }"
            )
        )

    assert {"search|solid", "fetch|solid", "Log out|solid"} <= reached
    assert not {one for one in reached if one.endswith("|none")}


@pytest.mark.parametrize("place", ["/", "/patients/P001", f"/studies/{WHOLE}", "/jobs"])
def test_the_pages_fit_a_phone(browser: Browser, address: str, place: str) -> None:
    """What is wide scrolls in its own frame; the page itself does not scroll sideways."""
    for page in _opened(browser, address, "ja-JP", "light", width=390):
        page.goto(place)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_pages_weigh_less_than_100_kilobytes() -> None:
    static: Path = netty.web.pages.STATIC
    weight = sum(len(gzip.compress(file.read_bytes())) for file in static.glob("app.*"))

    assert weight < 100_000


def test_a_mix_up_is_seen_and_released_by_a_person(town: Town, page: Page) -> None:
    """From the list to the two patients side by side, the pictures, the tick and the button."""
    page.get_by_role("link", name="Quarantine").click()
    page.get_by_role("link", name="another Patient ID").click()

    said, asked = page.locator(".person").nth(0), page.locator(".person").nth(1)
    expect(said).to_contain_text("田中 花子")
    expect(asked).to_contain_text("山田 太郎")
    expect(asked.locator(".differs")).to_have_count(2)
    expect(page.locator(".film img").first).to_have_js_property("naturalWidth", 128)
    release = page.get_by_role("button", name="Release 2 images")
    release.click()
    expect(page).to_have_url(re.compile("/quarantine/q1$"))  # the tick is wanting
    assert len(town.quarantine.waiting()) == 2

    page.locator("form", has=release).get_by_role("checkbox").check()
    release.click()

    expect(page.locator(".empty")).to_contain_text("Nothing waits for a decision.")
    assert town.quarantine.waiting() == []
    assert len(town.registration.unrendered(10)) == 2
