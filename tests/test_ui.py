"""The screen without a browser: identity, the page's state, what each gesture does, and the edge."""

from __future__ import annotations

import asyncio
import dataclasses
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from scripted import QUESTION, ScriptedService, update

from palign.schema import (
    ConfigError,
    InvalidTextError,
    Memory,
    Pane,
    PreferenceEvent,
    Stance,
    Statement,
    Thumb,
    TurnRequest,
    TurnUpdate,
    UnknownMemoryError,
    UnknownTurnError,
)
from palign.ui import wording
from palign.ui.errors import guarded, guarded_stream
from palign.ui.handlers import Handlers
from palign.ui.identity import new_saved, user_id
from palign.ui.packing import pack
from palign.ui.screen import build_screen
from palign.ui.session import Session, duel_value
from palign.ui.wiring import make_request

SAVED = new_saved()
USER = user_id(SAVED)


def answered() -> tuple[ScriptedService, Handlers, Session]:
    """A finished pair on screen."""
    service = ScriptedService(
        update(generic=("Water",), personal=("Less",)),
        update(generic=("Water", " them"), personal=("Less", "."), finished=True),
    )
    handlers = Handlers(service)  # type: ignore[arg-type]
    return service, handlers, list(handlers.stream(SAVED, Session(), QUESTION))[-1]


# Identity


def test_a_user_id_is_the_digest_of_the_token_and_never_the_token() -> None:
    saved = new_saved()
    assert len(user_id(saved)) == 64
    assert str(saved["token"]) not in user_id(saved)
    assert user_id(saved) == user_id(dict(saved)) != user_id(new_saved())


@pytest.mark.parametrize(
    "saved", [None, "", [], {}, {"token": 7}, {"token": "short"}, {"token": "é" * 50}, {"token": "x" * 10_000}]
)
def test_what_holds_no_token_is_nobody(saved: object) -> None:
    with pytest.raises(ConfigError, match="Reload"):
        user_id(saved)


# Asking


def test_nothing_is_asked_where_nothing_is_typed() -> None:
    handlers = Handlers(ScriptedService())  # type: ignore[arg-type]
    for text in ("", "  \n\t "):
        with pytest.raises(InvalidTextError, match="question"):
            handlers.request(Session(), TurnRequest(text))


def test_asking_again_keeps_the_question_and_takes_the_new_numbers() -> None:
    _, handlers, page = answered()
    request = handlers.request(page, TurnRequest("typed meanwhile", seed=8, strength=0.5), again=True)
    assert request == dataclasses.replace(QUESTION, seed=8, strength=0.5)


def test_a_question_names_the_turn_before_it_and_asking_again_the_one_it_named() -> None:
    _, handlers, page = answered()
    assert handlers.request(Session(), QUESTION).earlier == ""
    follow_up = handlers.request(page, dataclasses.replace(QUESTION, text="why?"))
    assert follow_up.earlier == page.turn_id != ""
    page = list(handlers.stream(SAVED, page, dataclasses.replace(follow_up, earlier="before")))[-1]
    assert handlers.request(page, QUESTION, again=True).earlier == "before"


def test_every_update_is_a_newer_page_and_the_last_can_be_voted_on() -> None:
    _, handlers, _ = answered()
    pages = list(handlers.stream(SAVED, Session(), QUESTION))
    assert [page.phase for page in pages] == ["running", "done"]
    assert pages[0].n < pages[1].n
    assert [page.votable for page in pages] == [False, True]


def test_closing_the_stream_closes_the_service_and_stopping_keeps_the_text() -> None:
    service, handlers, _ = answered()
    service.closed = False
    stream = handlers.stream(SAVED, Session(), QUESTION)
    page = next(stream)
    stream.close()
    assert service.closed
    stopped = handlers.halt(page, "stopped")
    assert (stopped.phase, stopped.view, stopped.votable) == ("stopped", page.view, True)


def test_what_was_stopped_stays_stopped_when_the_broken_stream_is_reported_as_an_error_too() -> None:
    _, handlers, _ = answered()
    page = next(handlers.stream(SAVED, Session(), QUESTION))
    stopped_first = handlers.halt(handlers.halt(page, "stopped"), "failed")
    failed_first = handlers.halt(handlers.halt(page, "failed"), "stopped")
    assert (stopped_first.phase, failed_first.phase) == ("stopped", "stopped")


def test_a_stream_reported_as_failed_without_an_error_of_its_own_was_stopped() -> None:
    service, _, page = answered()
    blocks = built(service)
    explain, run = (listener(blocks, name).fn for name in ("explain", "run"))
    status, *_, ended = explain(page.in_phase("running"), QUESTION, 0.6, "")
    assert "stopped" in status
    assert ended.phase == "stopped"

    def breaks(user: str, request: TurnRequest) -> Iterator[TurnUpdate]:
        yield service.updates[0]
        raise RuntimeError("the decoder is gone")

    service.reply = breaks  # type: ignore[method-assign]
    sent = []
    with pytest.raises(gr.Error):
        for value in run(SAVED, Session(), QUESTION):
            sent.append(value)
    assert [value[1].phase for value in sent] == ["running", "failed"]
    status, *_, ended = explain(sent[-1][1], QUESTION, 0.6, "")
    assert "ended early" in status
    assert ended.phase == "failed"


def test_an_error_before_the_first_word_leaves_the_last_pair_standing() -> None:
    _, handlers, page = answered()
    failed = handlers.halt(page.in_phase("waiting"), "failed")
    assert failed.view == page.view
    assert failed.votable


def test_words_that_reached_no_answer_come_back_before_what_was_typed_meanwhile() -> None:
    _, handlers, page = answered()
    asked = TurnRequest("What is inflation?")
    for waiting in (Session().asking(), page.asking()):
        assert handlers.unsaid(waiting, asked, "") == "What is inflation?"
        assert handlers.unsaid(waiting, asked, "and deflation?") == "What is inflation?\nand deflation?"


def test_words_that_stand_on_screen_do_not_come_back_and_the_box_stays_as_it_is() -> None:
    _, handlers, page = answered()
    assert handlers.unsaid(page.asking(from_box=False), QUESTION, "") is None, (
        "asked again: the question was never in the box"
    )
    assert handlers.unsaid(page.in_phase("running"), TurnRequest("Keep it short. What is inflation?"), "") is None
    assert handlers.unsaid(page, QUESTION, "") is None
    assert handlers.unsaid(Session().asking(), None, "typed") is None


def test_an_answer_whose_turn_could_not_be_stored_takes_no_vote() -> None:
    _, _, page = answered()
    unstored = update(turn="", generic=("Water",), personal=("Less",), finished=True)
    assert not page.showing(unstored, QUESTION, 0.1).votable


def test_an_exploring_turn_says_what_it_tries_and_does_not_call_it_known() -> None:
    trying = dataclasses.replace(update(personal=("x",)), exploring=(Stance("concise", 0.5), Stance("lists", -0.5)))
    packed = pack(dataclasses.replace(trying, weights={"concise": 0.5, "lists": -0.5, "warm": 0.3}))
    assert packed["trying"] == ["shorter", "flowing prose"]
    assert packed["leaning"] == ["warmer"]


@pytest.mark.parametrize("numbers", [(1, None, 0.6, 64), (None, 7, 0.6, 64), (1, math.inf, 0.6, 64), ("x", 7, 0.6, 64)])
def test_a_missing_number_is_named_and_never_guessed(numbers: tuple[object, ...]) -> None:
    with pytest.raises(ConfigError, match="Tune"):
        make_request("question", *numbers, True, True, True)


# Feedback


def test_a_vote_is_pressed_and_pressing_it_again_takes_it_back() -> None:
    service, handlers, page = answered()
    page, note = handlers.vote(SAVED, page, {"turn": "t1", "outcome": "personal"})
    assert duel_value(page)["marks"] == {"vote": ["personal", ""]}
    assert "shorter +0.21" in note.text
    page, _ = handlers.vote(SAVED, page, {"turn": "t1", "outcome": ""})
    assert duel_value(page)["marks"] == {}
    assert service.profile(USER).events == ()


def test_a_reason_belongs_to_a_thumbs_down_only() -> None:
    service, handlers, page = answered()
    page, _ = handlers.rate(SAVED, page, {"turn": "t1", "side": "generic", "mark": "down", "reason": "too-long"})
    assert duel_value(page)["marks"] == {"generic": ["down", "too-long"]}
    page, _ = handlers.rate(SAVED, page, {"turn": "t1", "side": "generic", "mark": "up", "reason": "too-long"})
    assert duel_value(page)["marks"] == {"generic": ["up", ""]}
    kinds = [event.evidence.reason for event in service.profile(USER).events if isinstance(event.evidence, Thumb)]
    assert kinds == ["too-long", None]


@pytest.mark.parametrize(
    "detail", [{}, {"turn": "other", "outcome": "tie"}, {"turn": "t1", "outcome": "mine"}, {"turn": ["t1"]}]
)
def test_a_vote_on_anything_but_the_pair_on_screen_is_refused(detail: dict[str, object]) -> None:
    service, handlers, page = answered()
    with pytest.raises(UnknownTurnError):
        handlers.vote(SAVED, page, detail)
    assert service.profile(USER).events == ()


def test_a_running_turn_takes_no_vote() -> None:
    _, handlers, _ = answered()
    running = next(handlers.stream(SAVED, Session(), QUESTION))
    with pytest.raises(UnknownTurnError):
        handlers.vote(SAVED, running, {"turn": "t1", "outcome": "tie"})


def test_undoing_what_was_learned_releases_the_button() -> None:
    service, handlers, page = answered()
    page, note = handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    page = handlers.undo(SAVED, page, note.key)
    assert duel_value(page)["marks"] == {}
    assert service.profile(USER).events == ()


def test_a_new_turn_starts_with_nothing_pressed() -> None:
    _, handlers, page = answered()
    page, _ = handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    assert page.showing(update(turn="t1"), QUESTION, 0.0).picks
    assert not page.showing(update(turn="t2"), QUESTION, 0.0).picks


# Memories and votes


def test_a_stated_preference_is_listed_says_what_was_understood_and_can_be_undone() -> None:
    _, handlers, page = answered()
    (note,) = handlers.state(SAVED, "keep it short")
    assert note.text == "Understood: “keep it short” → shorter"
    assert [memory.text for memory in handlers.memories(SAVED)] == ["keep it short"]
    handlers.undo(SAVED, page, note.key)
    assert handlers.memories(SAVED) == ()


def test_stating_again_what_is_known_offers_no_undo_that_would_delete_the_older_memory() -> None:
    _, handlers, _ = answered()
    (first,) = handlers.state(SAVED, "keep it short")
    (again,) = handlers.state(SAVED, "keep it short")
    assert first.key
    assert not again.key


@pytest.mark.parametrize(
    "before",
    [
        {"action": "pin", "on": True},
        {"action": "pause", "on": True},
        {"action": "edit", "text": "Keep it short. I'm vegetarian. Be playful."},
    ],
    ids=lambda detail: detail["action"],
)
def test_undoing_a_deletion_is_as_if_nothing_was_deleted(before: dict[str, object]) -> None:
    service, handlers, _ = answered()
    for words in ("keep it short", "no jargon"):
        handlers.state(SAVED, words)
    memory = handlers.memories(SAVED)[1]
    handlers.change(SAVED, "", {**before, "id": memory.id})
    whole = service.export(USER)
    change = handlers.change(SAVED, "", {"action": "delete", "id": memory.id})
    assert len(handlers.memories(SAVED)) == 1
    change = handlers.change(SAVED, change.gone, {"action": "undo"})
    assert service.export(USER) == whole
    assert change.gone == ""


def test_undo_brings_back_nothing_that_was_deleted_before() -> None:
    _, handlers, _ = answered()
    for words in ("keep it short", "no jargon"):
        handlers.state(SAVED, words)
    gone = [handlers.change(SAVED, "", {"action": "delete", "id": m.id}).gone for m in handlers.memories(SAVED)]
    handlers.change(SAVED, gone[1], {"action": "undo"})
    assert [memory.text for memory in handlers.memories(SAVED)] == ["keep it short"]


def test_votes_are_listed_in_plain_words_newest_first_and_statements_are_not_among_them() -> None:
    _, handlers, page = answered()
    handlers.state(SAVED, "keep it short")
    for outcome in ("personal", "generic", "tie", "both-bad"):
        handlers.vote(SAVED, page, {"turn": "t1", "outcome": outcome})
    handlers.rate(SAVED, page, {"turn": "t1", "side": "personal", "mark": "up"})
    for reason in ("too-long", "style"):
        handlers.rate(SAVED, page, {"turn": "t1", "side": "generic", "mark": "down", "reason": reason})
    assert [vote.text for vote in handlers.votes(SAVED)] == [
        "Thumb down on the generic answer: other style",
        "Thumb down on the generic answer: too long",
        "Thumb up on the personal answer",
        "Called both answers bad",
        "Called it a tie",
        "Picked the generic answer",
        "Picked the personal answer",
    ]


def test_a_vote_of_an_earlier_visit_can_be_deleted_and_brought_back() -> None:
    service, handlers, page = answered()
    page, _ = handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    whole = service.export(USER)
    (vote,) = handlers.votes(SAVED)
    reloaded, change = handlers.retract(SAVED, Session(), vote.id)
    assert handlers.votes(SAVED) == ()
    assert reloaded.picks == {}
    handlers.change(SAVED, change.gone, {"action": "undo"})
    assert service.export(USER) == whole


def test_deleting_a_vote_of_the_pair_on_screen_releases_its_button() -> None:
    _, handlers, page = answered()
    page, _ = handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    page, _ = handlers.retract(SAVED, page, handlers.votes(SAVED)[0].id)
    assert duel_value(page)["marks"] == {}


def test_another_browsers_memory_cannot_be_touched_by_naming_it() -> None:
    _, handlers, _ = answered()
    handlers.state(SAVED, "keep it short")
    (memory,) = handlers.memories(SAVED)
    with pytest.raises(UnknownMemoryError):
        handlers.change(new_saved(), "", {"action": "delete", "id": memory.id})
    assert handlers.memories(SAVED) == (memory,)


def test_another_browsers_vote_cannot_be_touched_by_naming_it() -> None:
    _, handlers, page = answered()
    handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    (vote,) = handlers.votes(SAVED)
    with pytest.raises(UnknownMemoryError):
        handlers.retract(new_saved(), Session(), vote.id)
    assert handlers.votes(SAVED) == (vote,)


def test_forgetting_needs_the_word_and_ends_the_identity() -> None:
    _, handlers, _ = answered()
    handlers.state(SAVED, "keep it short")
    with pytest.raises(InvalidTextError, match="forget"):
        handlers.forget(SAVED, "yes")
    fresh, note = handlers.forget(SAVED, " Forget ")
    assert "erased" in note
    assert user_id(fresh) != user_id(SAVED)
    assert handlers.memories(SAVED) == ()


@pytest.mark.parametrize("detail", [{"action": "undo"}, {"action": "drop tables"}, {"action": 3}, {}])
def test_an_unknown_action_is_refused_with_advice(detail: dict[str, object]) -> None:
    _, handlers, _ = answered()
    with pytest.raises(UnknownMemoryError):
        handlers.change(SAVED, "", detail)


# Words


def test_the_status_line_tells_seed_tokens_divergence_and_end() -> None:
    _, handlers, page = answered()
    line = handlers.status(page)
    assert line.startswith("tiny · seed 7 · 2 + 2 tokens")
    assert "KL 0.2 nats" in line
    assert line.endswith("done")
    assert handlers.status(handlers.halt(page.in_phase("running"), "stopped")).endswith("the text so far is kept")


def test_a_context_is_part_of_what_was_understood() -> None:
    memory = Memory("u", "m", "formal at work", "style", "typed", 0.0)
    event = PreferenceEvent("e", "u", 0.0, "m", Stance("formal", 0.8, "work"))
    assert wording.understood(Statement(memory, (event,))).endswith("more formal (work)")


# The edge


def test_a_palign_error_reaches_the_screen_with_its_hint() -> None:
    def fails() -> None:
        raise InvalidTextError("It is empty.", hint="Type something.")

    with pytest.raises(gr.Error, match=r"It is empty\. Type something\."):
        guarded(fails)()


def test_markup_quoted_by_an_error_is_shown_and_not_rendered() -> None:
    def fails() -> None:
        raise InvalidTextError("The import holds <img src='//x.example/a'> & more.", hint="Remove it.")

    with pytest.raises(gr.Error) as caught:
        guarded(fails)()
    assert caught.value.message == "The import holds &lt;img src='//x.example/a'&gt; &amp; more. Remove it."


def test_any_other_error_is_one_neutral_line_and_a_logged_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise RuntimeError("/secret/path")

    stream = guarded_stream(fails, lambda last: -last)()  # type: ignore[arg-type]
    assert next(stream) == 1
    assert next(stream) == -1, "the last value says that it failed"
    with pytest.raises(gr.Error) as caught:
        next(stream)
    assert "secret" not in str(caught.value)
    assert "RuntimeError: /secret/path" in caplog.text


def built(service: ScriptedService | None = None, *, max_new_tokens: int = 64) -> gr.Blocks:
    """The whole page."""

    async def build() -> gr.Blocks:
        return build_screen(service or ScriptedService(), max_new_tokens=max_new_tokens)  # type: ignore[arg-type]

    # Inside a loop: outside of one, gradio makes several and leaves them open.
    return asyncio.run(build())


def listener(blocks: gr.Blocks, name: str) -> Any:
    """What the page calls for a gesture."""
    (found,) = {function for function in blocks.fns.values() if function.name == name}
    return found


def test_no_listener_is_a_public_endpoint() -> None:
    blocks = built()
    assert blocks.get_api_info()["named_endpoints"] == {}
    assert blocks.fns
    assert all(function.api_visibility == "private" for function in blocks.fns.values())


@pytest.mark.parametrize("longest", [1, 2, 15, 16, 17, 100, 2048])
def test_every_longest_answer_the_settings_allow_can_be_chosen_from(longest: int) -> None:
    (slider,) = [part for part in built(max_new_tokens=longest).blocks.values() if part.elem_id == "longest"]
    assert isinstance(slider, gr.Slider)
    assert (slider.value, slider.maximum, slider.step) == (longest, longest, 1)
    assert slider.minimum == 1 or not slider.interactive


@pytest.mark.parametrize("end", ["finish", "stop", "explain"])
def test_the_composer_comes_back_without_the_store_and_past_a_full_queue(end: str) -> None:
    service, _, page = answered()
    function = listener(built(service), end)
    service.store.close()
    _, composer, *_ = function.fn(page.asking(), TurnRequest("What is inflation?"), 0.6, "")
    assert (composer.submit_btn, composer.stop_btn) == (True, False)
    assert not function.queue


def test_forgetting_also_clears_a_refusal_from_the_screen() -> None:
    service, _, page = answered()
    pane = Pane("I will not help with that.", (), "refused")
    refused = page.showing(TurnUpdate("", "q", 0, pane, pane, True), QUESTION, 0.1)
    event = SimpleNamespace(_data={"text": "forget"})
    cleared = listener(built(service), "forget").fn(event, SAVED, refused)[4]
    assert "question" not in cleared
    assert cleared["n"] > duel_value(refused)["n"], "an older value is dropped as late"


def test_every_vote_is_listed_so_that_every_vote_can_be_deleted() -> None:
    service, handlers, page = answered()
    for _ in range(23):
        handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    assert len(listener(built(service), "open").fn(SAVED)[1]["votes"]) == 23
