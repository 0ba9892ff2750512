"""The debugger in a real browser: ``resdebug serve``, looked at by headless Chromium."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.cli.running import ENVIRONMENT, run
from tests.support import GRAPHS

BROWSER = shutil.which("chromium") or shutil.which("google-chrome")


@contextmanager
def served(*arguments: str) -> Iterator[str]:
    pytest.importorskip("textual_serve", reason="textual-serve is not installed")
    command = [sys.executable, "-m", "resdebug", "serve", *arguments, "--port", "0"]
    environment = {**ENVIRONMENT, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[0]
        finally:
            process.terminate()


def wait_for(what: Callable[[], bool], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.1)
    return False


def test_only_this_machine_can_connect() -> None:
    with served(str(GRAPHS / "resblock.json")) as address:
        host, _, port = address.removeprefix("http://").partition(":")
        assert host == "127.0.0.1"
        assert wait_for(lambda: _answers("127.0.0.1", int(port)))
        own = socket.gethostbyname(socket.gethostname())
        if not own.startswith("127."):
            assert not _answers(own, int(port))


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
def test_stepping_in_a_browser() -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with served(str(GRAPHS / "resblock.json")) as address, playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        received: list[str] = []

        def listen(socket_: object) -> None:
            socket_.on(  # type: ignore[attr-defined]
                "framereceived", lambda frame: received.append(frame.decode() if isinstance(frame, bytes) else frame)
            )

        page.on("websocket", listen)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        assert wait_for(lambda: _answers("127.0.0.1", int(address.rpartition(":")[2])))
        page.goto(address, wait_until="domcontentloaded")

        def shows(text: str) -> bool:
            page.wait_for_timeout(50)
            return text in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z$]", "", "".join(received))

        assert wait_for(lambda: shows("The seed"))
        assert "Ledger" in "".join(received)
        page.locator(".xterm-helper-textarea").focus()
        received.clear()
        page.keyboard.press("n")
        page.keyboard.press("n")
        assert wait_for(lambda: shows("its only contribution came from loss"))
        drawn = page.locator(".xterm-screen").screenshot()
        assert len(drawn) > 20_000, "a picture with something in it"
        assert page.evaluate("document.fonts.check('16px \"Roboto Mono\"')")
        page.keyboard.press("q")
        assert wait_for(lambda: bool(page.evaluate("document.body.classList.contains('-closed')")))
        assert page.get_by_text("Open it again").is_visible()
        assert asked, "what the page loads"
        assert all(url.startswith((address, "data:")) for url in asked), "nothing comes from elsewhere"
        browser.close()


def test_what_it_needs() -> None:
    missing = run("serve", "/nowhere.json")
    assert missing.returncode == 66
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        pytest.importorskip("textual_serve", reason="textual-serve is not installed")
        done = run("serve", str(GRAPHS / "resblock.json"), "--port", port)
    assert done.returncode == 2
    assert "cannot be had" in done.stderr
    assert "--port 0" in done.stderr
