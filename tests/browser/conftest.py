"""A real browser against the running pages; skipped, with the reason, where there is none."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

import netty.web.pages
from support.pages import Town, copy_of, opened, small_town

CHROMIUM = Path("/usr/bin/chromium")
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test in which a process of Chromium crashes is run once more, and the summary counts it.

    Where it crashes again, our pages may be the reason. All other failures count at once.
    """
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.flaky(reruns=1, only_rerun="Page crashed"))


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
