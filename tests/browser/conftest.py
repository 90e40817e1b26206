"""A real browser against the running pages; skipped, with the reason, where there is none."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, sync_playwright

import netty.web.pages
from support.pages import Town, small_town

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; software compositing keeps it quick on machines without a GPU."""
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


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A small town of its own for each test."""
    return small_town(tmp_path)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The pages on a free port of the loopback; gives their address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=asyncio.run, args=(server.serve(sockets=[listening]),), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"  # the socket listens already: nothing to wait for
        finally:
            app.state.bulletin.close()
            server.should_exit = True
            thread.join(20)
