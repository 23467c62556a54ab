"""What a visitor does on the page, by role and label; shared by the tests and the screenshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

QUESTION = "How do I keep my houseplants alive?"
PREFERENCES = "Keep it short. Be playful, no jargon. I'm vegetarian."
ANSWERED = 120_000


@contextmanager
def launched(chromium: str) -> Iterator[Browser]:
    """A headless browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


def open_page(page: Page, address: str) -> Page:
    """Go there and wait until the screen is ready."""
    page.goto(address)
    expect(status(page)).to_contain_text("ready", timeout=30_000)
    return page


def status(page: Page) -> Locator:
    """The line under the answers."""
    return page.locator(".status-line")


def composer(page: Page) -> Locator:
    """Where questions are typed."""
    return page.get_by_label("Your question")


def answer(page: Page, side: str) -> Locator:
    """The text of one pane."""
    return page.locator(f".pane-{side} .pane-text")


def tokens(page: Page, side: str) -> Locator:
    """The painted tokens of one pane that show something."""
    return page.locator(f".pane-{side} .tok[tabindex]")


def state(page: Page, words: str) -> None:
    """Say how answers should be, and wait until it is understood."""
    page.get_by_label("How you like answers").fill(words)
    page.get_by_role("button", name="Remember").click()
    expect(page.locator("#understood li").first).to_be_visible()


def send(page: Page, question: str) -> None:
    """Send a question."""
    composer(page).fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def ask(page: Page, question: str = QUESTION) -> None:
    """Send a question, and wait until its turn has replaced the one on screen."""
    before = turn(page)
    send(page, question)
    changed(page, before)


def turn(page: Page) -> str:
    """Which turn is on screen."""
    return page.locator(".duel").get_attribute("data-turn") or ""


def changed(page: Page, before: str) -> None:
    """Wait until another turn is on screen."""
    expect(page.locator(".duel")).not_to_have_attribute("data-turn", before, timeout=ANSWERED)


def finished(page: Page) -> None:
    """Wait until both answers stand."""
    expect(page.locator(".duel")).to_have_attribute("data-phase", "done", timeout=ANSWERED)
    expect(status(page)).to_contain_text("tokens/s")


def vote(page: Page, name: str) -> Locator:
    """One button of the vote row."""
    return page.get_by_role("group", name="Which answer is better?").get_by_role("button", name=name)


def open_memories(page: Page) -> Locator:
    """Open the sidebar; returns the list."""
    page.locator("#open-memories").click()
    expect(page.get_by_role("region", name="What is remembered about you")).to_be_visible()
    return page.locator(".memories-list")
