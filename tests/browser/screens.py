"""Takes the screenshots of docs/screens from the real app: `PYTHONPATH=tests python tests/browser/screens.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import browser
from app_process import ROOT, running_app
from playwright.sync_api import Browser
from steps import ask, finished, launched, open_page, state, vote

PREFERENCES, QUESTION = "Keep it short. I'm vegetarian.", "What should I cook tonight?"
FOLDER = ROOT / "docs" / "screens"
SHOTS: dict[str, dict[str, Any]] = {
    "duel-1280-light": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "light"},
    "duel-1280-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "duel-390": {
        "viewport": {"width": 390, "height": 844},
        "is_mobile": True,
        "has_touch": True,
        "device_scale_factor": 2,
    },
}


def take(chrome: Browser, address: str, name: str) -> None:
    """One visitor's pair with a vote, and the reason for one coloured word."""
    context = chrome.new_context(**SHOTS[name])
    page = open_page(context.new_page(), address)
    state(page, PREFERENCES)
    ask(page, QUESTION)
    finished(page)
    vote(page, "Yours").click()
    page.locator("#learned li").first.wait_for()
    page.evaluate("window.scrollTo(0, 0)")
    coloured = page.locator(".pane-personal .pane-text .ink").first
    if coloured.count() and "390" not in name:
        coloured.hover()
    page.screenshot(path=FOLDER / f"{name}.png")
    context.close()


def main() -> int:
    """Write all three; 1 where no browser is installed."""
    chromium = browser.find_chromium()
    if chromium is None:
        sys.stderr.write(f"No Chromium found: {browser.ADVICE}.\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_app(Path(folder)) as app,
        launched(chromium) as chrome,
    ):
        for name in SHOTS:
            take(chrome, app.address, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
