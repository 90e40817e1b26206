"""A real browser against the running pages; skipped, with the reason, where there is none."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from playwright.sync_api import Browser, sync_playwright

import netty.web.pages
from support.pages import Town, copy_of, opened, small_town

CHROMIUM = Path("/usr/bin/chromium")
_CRASHED = "Page crashed"  # so Playwright has it
_HERE = Path(__file__).parent


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """A test in which a process of Chromium crashes is run once more: that says nothing of our pages.

    Where it crashes again, it says something. All other failures count at once.
    """
    if not item.path.is_relative_to(_HERE):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, log=False, nextitem=nextitem)
    if any(report.failed and _CRASHED in str(report.longrepr) for report in reports):
        sys.stderr.write(f"\nChromium crashed in {item.name}, which is run once more\n")
        item._initrequest()  # type: ignore[attr-defined]  # fixtures of its own once more
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium; software compositing keeps it quick on machines without a GPU.

    For one module: Playwright's synchronous API keeps an event loop running, beside which no other test could run one.
    """
    if not CHROMIUM.exists():
        pytest.skip("there is no /usr/bin/chromium (apt install chromium)")
    if not (netty.web.pages.STATIC / "app.js").exists():
        pytest.skip("the pages' script is not built (make)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu-compositing"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def first_town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """The town that the others are copied from."""
    return small_town(tmp_path_factory.mktemp("first"))


@pytest.fixture
def town(first_town: Town, tmp_path: Path) -> Iterator[Town]:
    """A small town of its own for each test."""
    with opened(copy_of(first_town, tmp_path)) as town:
        yield town
