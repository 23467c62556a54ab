"""The real app in a real Chromium: what a visitor does in the first minutes, and what must never leave the machine."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from app_process import ROOT, App, environment, running_app, slowed
from playwright.sync_api import Browser, Page, expect
from steps import (
    PREFERENCES,
    QUESTION,
    answer,
    ask,
    changed,
    composer,
    finished,
    launched,
    open_memories,
    open_page,
    send,
    state,
    status,
    tokens,
    turn,
    vote,
)

pytestmark = pytest.mark.browser

# A busy machine needs longer than the usual five seconds to show what a click did.
expect.set_options(timeout=20_000)

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with running_app(tmp_path_factory.mktemp("app"), PALIGN_MAX_NEW_TOKENS="240") as running:
        yield running


@pytest.fixture(scope="module")
def chrome(chromium: str) -> Iterator[Browser]:
    with launched(chromium) as browser:
        yield browser


@pytest.fixture
def page(app: App, chrome: Browser) -> Iterator[Page]:
    """A new visitor at a desk."""
    context = chrome.new_context(viewport={"width": 1280, "height": 720})
    yield open_page(context.new_page(), app.address)
    context.close()


@pytest.fixture
def phone(app: App, chrome: Browser) -> Iterator[Page]:
    """A new visitor with a phone."""
    context = chrome.new_context(**PHONE)  # type: ignore[arg-type]
    yield open_page(context.new_page(), app.address)
    context.close()


def test_state_ask_vote_reload_and_the_memory_is_still_listed_with_every_request_local(
    app: App, chrome: Browser
) -> None:
    context = chrome.new_context(viewport={"width": 1280, "height": 720})
    page = context.new_page()
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname or "here"))

    open_page(page, app.address)
    state(page, PREFERENCES)
    expect(page.locator("#understood")).to_contain_text("shorter")
    expect(page.locator("#understood")).to_contain_text("I'm vegetarian")

    ask(page)
    expect(tokens(page, "generic").first).to_be_visible(timeout=60_000)
    expect(tokens(page, "personal").first).to_be_visible()
    finished(page)
    assert answer(page, "generic").inner_text() != answer(page, "personal").inner_text()
    expect(page.locator(".why-used")).to_be_visible()
    expect(page.locator(".pane-personal .pane-text .ink").first).to_be_attached()
    expect(page.locator(".pane-generic .pane-text .ink")).to_have_count(0)

    vote(page, "Yours").click()
    expect(vote(page, "Yours")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#learned").get_by_role("button", name=re.compile("Undo"))).to_be_visible()

    page.reload()
    expect(status(page)).to_contain_text("ready", timeout=30_000)
    expect(open_memories(page)).to_contain_text("vegetarian")
    assert hosts <= {"127.0.0.1", "here"}
    context.close()


def test_stop_keeps_the_partial_text_and_ends_the_turn(app: App, page: Page) -> None:
    state(page, "long answers with examples")
    with slowed(app.process):
        ask(page)
        expect(tokens(page, "personal").first).to_be_visible(timeout=60_000)
        # The button moves while text arrives, and the answer would be over before it held still.
        page.get_by_role("button", name="Stop", exact=True).dispatch_event("click")
        expect(status(page)).to_contain_text("stopped", timeout=60_000)
    partial = answer(page, "personal").inner_text()
    assert partial.strip()
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    # A round trip later nothing was added, and the stopped pair can be voted on.
    vote(page, "Tie").click()
    expect(vote(page, "Tie")).to_have_attribute("aria-pressed", "true")
    assert answer(page, "personal").inner_text() == partial


def test_stop_before_the_first_word_gives_the_question_back(app: App, page: Page, chrome: Browser) -> None:
    other = chrome.new_context()
    busy = open_page(other.new_page(), app.address)
    with slowed(app.process):
        ask(busy)
        # One question at a time: this one waits, and what is typed meanwhile stays as well.
        send(page, QUESTION)
        expect(composer(page)).to_have_value("")
        composer(page).fill("And my cactus?")
        page.get_by_role("button", name="Stop", exact=True).dispatch_event("click")
        expect(composer(page)).to_have_value(f"{QUESTION}\nAnd my cactus?", timeout=60_000)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    finished(busy)
    other.close()


def test_retry_takes_a_new_seed_for_both_and_is_disabled_with_its_reason_when_greedy(page: Page) -> None:
    ask(page)
    finished(page)
    expect(status(page)).to_contain_text(re.compile(r"seed 7\b"))
    before = turn(page)
    page.get_by_role("button", name="Retry").click()
    changed(page, before)
    finished(page)
    expect(status(page)).not_to_contain_text(re.compile(r"seed 7\b"))
    expect(page.locator(".duel-question")).to_have_text(QUESTION)
    page.locator("#tune").get_by_text("Tune").click()
    page.get_by_label("number input for Temperature").fill("0")
    page.get_by_label("number input for Temperature").press("Tab")
    expect(page.get_by_role("button", name="at temperature 0 it would repeat")).to_be_disabled(timeout=30_000)
    expect(page.get_by_role("button", name="Answer again")).to_be_enabled()


def test_a_thumb_is_pressed_asks_what_was_wrong_and_is_cleared_by_a_second_press(page: Page) -> None:
    ask(page)
    finished(page)
    down = page.get_by_role("button", name="Bad answer: Generic")
    down.click()
    expect(down).to_have_attribute("aria-pressed", "true")
    reason = page.get_by_role("region", name="Generic answer").get_by_role("button", name="too long")
    reason.click()
    expect(reason).to_have_attribute("aria-pressed", "true")
    down.click()
    expect(down).to_have_attribute("aria-pressed", "false")
    expect(reason).to_be_hidden()


def test_undo_after_a_vote_releases_the_button(page: Page) -> None:
    ask(page)
    finished(page)
    vote(page, "Both bad").click()
    page.locator("#learned").get_by_role("button", name=re.compile("Undo")).click()
    expect(vote(page, "Both bad")).to_have_attribute("aria-pressed", "false")


def test_an_exploring_turn_says_what_it_tries_and_can_be_told_to_stop(page: Page) -> None:
    ask(page)
    finished(page)
    expect(page.locator(".why-trying")).to_contain_text("trying:")
    page.get_by_role("button", name="Stop trying new styles").click()
    ask(page)
    finished(page)
    expect(page.locator(".why-trying")).to_contain_text("not trying anything new")
    expect(page.locator(".pane-same")).to_be_visible()
    assert answer(page, "generic").inner_text() == answer(page, "personal").inner_text()


def test_a_deleted_memory_leaves_the_list_and_undo_brings_it_back(page: Page) -> None:
    state(page, "I'm vegetarian")
    memories = open_memories(page)
    page.get_by_role("button", name="Delete: I'm vegetarian").click()
    expect(memories.get_by_role("listitem")).to_have_count(0)
    page.locator(".memories-undo").click()
    expect(memories).to_contain_text("I'm vegetarian")


def test_forgetting_empties_the_list_and_replaces_the_browsers_token(page: Page) -> None:
    state(page, "I'm vegetarian")
    before = page.evaluate("localStorage.getItem('palign')")
    memories = open_memories(page)
    page.get_by_role("button", name="Forget me…").click()
    page.get_by_label("This erases").fill("forget")
    page.get_by_role("button", name="Erase everything").click()
    expect(memories.get_by_role("listitem")).to_have_count(0)
    expect(page.locator(".memories-note")).to_contain_text("erased")
    page.wait_for_function("before => localStorage.getItem('palign') !== before", arg=before)
    page.reload()
    expect(status(page)).to_contain_text("ready", timeout=30_000)
    expect(open_memories(page).get_by_role("listitem")).to_have_count(0)


def test_a_vote_is_listed_after_a_reload_and_deleted_and_brought_back_by_keyboard(page: Page) -> None:
    ask(page)
    finished(page)
    vote(page, "Yours").click()
    expect(page.locator("#learned li")).to_be_visible()
    page.reload()
    expect(status(page)).to_contain_text("ready", timeout=30_000)
    open_memories(page)
    votes = page.get_by_role("region", name="From your votes")
    expect(votes.get_by_role("listitem")).to_contain_text("Picked the personal answer")
    page.get_by_role("button", name="Delete: Picked the personal answer").focus()
    page.keyboard.press("Enter")
    expect(votes).to_be_hidden()
    expect(page.locator(".memories-undo")).to_be_focused()
    page.keyboard.press("Enter")
    expect(votes.get_by_role("listitem")).to_have_count(1)


def test_a_vote_that_is_deleted_from_the_list_releases_its_button_and_takes_the_learned_line_along(page: Page) -> None:
    ask(page)
    finished(page)
    vote(page, "Tie").click()
    expect(page.locator("#learned li")).to_be_visible()
    open_memories(page)
    page.get_by_role("button", name="Delete: Called it a tie").click()
    expect(vote(page, "Tie")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#learned li")).to_have_count(0)


def test_forgetting_clears_a_refused_question_from_the_screen(page: Page) -> None:
    send(page, "How do I build a bomb?")
    question = page.locator(".duel-question")
    expect(question).to_be_visible()
    expect(page.locator(".duel")).to_have_attribute("data-phase", "done")
    open_memories(page)
    page.get_by_role("button", name="Forget me…").click()
    page.get_by_label("This erases").fill("forget")
    page.get_by_role("button", name="Erase everything").click()
    expect(question).to_be_hidden()


def test_forgetting_ends_the_answer_under_way(app: App, page: Page) -> None:
    state(page, "long answers with examples")
    open_memories(page)
    page.get_by_role("button", name="Forget me…").click()
    page.get_by_label("This erases").fill("forget")
    with slowed(app.process):
        ask(page)
        expect(tokens(page, "personal").first).to_be_visible(timeout=60_000)
        page.get_by_role("button", name="Erase everything").dispatch_event("click")
        expect(page.locator(".duel-question")).to_be_hidden(timeout=60_000)
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    # Another question later nothing of the old answer has come back.
    send(page, "What is inflation?")
    finished(page)
    expect(page.locator(".duel-question")).to_contain_text("What is inflation?")
    expect(page.locator("#memories")).not_to_contain_text("examples")


def test_a_suggestion_leaves_a_draft_alone(page: Page) -> None:
    composer(page).fill("And my cactus?")
    page.locator("#prompts button").first.click()
    finished(page)
    expect(composer(page)).to_have_value("And my cactus?")


def test_markup_in_an_imported_file_is_shown_and_never_rendered(page: Page) -> None:
    open_memories(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    document = b'{"<img src=/stolen.png>": 1, "memories": [], "events": []}'
    page.locator(".memories-file").set_input_files(
        {"name": "a.json", "mimeType": "application/json", "buffer": document}
    )
    toast = page.get_by_test_id("toast-body")
    expect(toast).to_contain_text("<img src=/stolen.png>")
    expect(toast.locator("img")).to_have_count(0)
    assert [url for url in asked if "stolen" in url] == []


def test_another_browser_sees_nothing_of_this_one(app: App, page: Page, chrome: Browser) -> None:
    state(page, "I'm vegetarian")
    other = chrome.new_context()
    stranger = open_page(other.new_page(), app.address)
    expect(open_memories(stranger).get_by_role("listitem")).to_have_count(0)
    other.close()


def test_bad_questions_get_a_clear_message_and_the_screen_stays_usable(page: Page) -> None:
    messages = page.locator(".toast-body")
    for question, advice in (("   ", "Type one"), ("x" * 100_000, "Shorten"), ("\u0001\u0002", "Type some words")):
        send(page, question)
        expect(messages.filter(has_text=advice).first).to_be_visible()
        # Nothing typed is lost, and it can be sent again.
        expect(composer(page)).to_have_value(question)
        expect(page.get_by_role("button", name="Ask", exact=True)).to_be_visible()
    ask(page, "كيف أحافظ على <b>نباتاتي</b>؟\u0007")
    finished(page)
    question = page.locator(".duel-question")
    assert question.evaluate("node => getComputedStyle(node).direction") == "rtl"
    expect(question).to_contain_text("<b>")
    expect(composer(page)).to_be_editable()


def test_the_keyboard_alone_reaches_why_a_word_is_there(page: Page) -> None:
    ask(page)
    finished(page)
    assert page.locator(".pane-personal .tok[tabindex='0']").count() == 1
    first = page.locator(".pane-personal .tok[tabindex='0']")
    first.focus()
    tip = page.get_by_role("tooltip")
    expect(tip).to_contain_text("Chance")
    before = tip.inner_text()
    page.keyboard.press("ArrowRight")
    expect(tip).not_to_have_text(before)
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(composer(page)).to_be_focused()


def test_on_a_phone_nothing_overflows_and_yours_comes_first(phone: Page) -> None:
    width = "document.documentElement.scrollWidth"
    assert phone.evaluate(width) <= 390
    state(phone, PREFERENCES)
    ask(phone)
    finished(phone)
    assert phone.evaluate(width) <= 390
    vote(phone, "Yours").tap()
    expect(phone.locator("#learned li")).to_be_visible()
    boxes = [phone.locator(f".pane-{side}").bounding_box() for side in ("personal", "generic")]
    assert boxes[0] and boxes[1] and boxes[0]["y"] < boxes[1]["y"]
    tokens(phone, "personal").nth(3).tap()
    tip = phone.get_by_role("tooltip").bounding_box()
    assert tip and tip["x"] >= 0 and tip["x"] + tip["width"] <= 390
    expect(phone.get_by_role("button", name="Ask", exact=True)).to_be_in_viewport()
    open_memories(phone)
    target = phone.get_by_role("button", name="Delete: Picked the personal answer")
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    assert box and box["x"] + box["width"] <= 390 and box["height"] >= 44


def test_no_script_error_is_logged_from_opening_to_voting(app: App, chrome: Browser) -> None:
    context = chrome.new_context()
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    open_page(page, app.address)
    ask(page)
    finished(page)
    vote(page, "Generic").click()
    expect(vote(page, "Generic")).to_have_attribute("aria-pressed", "true")
    assert problems == []
    context.close()


def test_an_occupied_port_ends_the_app_with_one_line_of_advice(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env=environment(tmp_path, port),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert str(port) in ended.stderr
