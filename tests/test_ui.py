"""The screen without a browser: identity, address, packing, the page's state, and what each gesture does."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import json
import math
import socket
from collections.abc import Iterator

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from palign.chat import Status
from palign.dimensions import CATALOGUE
from palign.schema import (
    Alternative,
    Comparison,
    ConfigError,
    InvalidTextError,
    Learned,
    Memory,
    Pane,
    PreferenceEvent,
    Stance,
    Statement,
    Thumb,
    TokenTrace,
    TurnRequest,
    TurnUpdate,
    UnknownMemoryError,
    UnknownTurnError,
)
from palign.ui import wording
from palign.ui.address import choose_port, require_free
from palign.ui.errors import guarded, guarded_stream
from palign.ui.handlers import Handlers
from palign.ui.identity import new_saved, user_id
from palign.ui.packing import FIELD, GROUP, RECORD, UNIT, pack, push_letter, unpack_tokens
from palign.ui.screen import build_screen
from palign.ui.session import Session, duel_value
from palign.ui.wiring import make_request

SAVED = new_saved()
QUESTION = TurnRequest("How do I keep my houseplants alive?", seed=7)


def trace(text: str, **pushes: float) -> TokenTrace:
    return TokenTrace(text, -1.0, -0.5, pushes, 0.1, (Alternative(" the", -1.2, -1.9, {}),))


def update(
    *, turn: str = "t1", generic: tuple[str, ...] = (), personal: tuple[str, ...] = (), finished: bool = False
) -> TurnUpdate:
    panes = [Pane("".join(texts), tuple(trace(text, concise=0.8) for text in texts)) for texts in (generic, personal)]
    return TurnUpdate(turn, QUESTION.text, 7, panes[0], panes[1], finished, {"concise": 0.6})


class ScriptedService:
    """A ChatService whose answers are given and whose store is a dictionary; it remembers what it was told."""

    def __init__(self, *updates: TurnUpdate) -> None:
        self.updates = updates
        self.closed = False
        self.kept: dict[str, dict[str, Memory]] = {}
        self.events: dict[str, PreferenceEvent] = {}
        self.ids = itertools.count()

    def reply(self, user: str, request: TurnRequest) -> Iterator[TurnUpdate]:
        try:
            yield from self.updates
        finally:
            self.closed = True

    def state(self, user: str, text: str) -> tuple[Statement, ...]:
        memory = Memory(user, f"m{next(self.ids)}", text, "style", "typed", 0.0)
        self.kept.setdefault(user, {})[memory.id] = memory
        return (Statement(memory, (self._event(user, memory.id, Stance("concise", 0.8)),)),)

    def _event(self, user: str, source: str, evidence: Stance | Comparison | Thumb) -> PreferenceEvent:
        event = PreferenceEvent(f"e{next(self.ids)}", user, 0.0, source, evidence)
        self.events[event.id] = event
        return event

    def vote(self, user: str, turn: str, outcome: str) -> Learned:
        event = self._event(user, turn, Comparison(turn, {}, outcome, "h"))  # type: ignore[arg-type]
        return Learned(event, {"concise": 0.21, "formal": -0.001}, "You prefer shorter answers.")

    def thumb(self, user: str, turn: str, side: str, *, up: bool, reason: str | None = None) -> Learned:
        event = self._event(user, turn, Thumb(turn, side, {}, up, reason, "h"))  # type: ignore[arg-type]
        return Learned(event, {}, "Noted.")

    def undo(self, user: str, event_id: str) -> None:
        del self.events[event_id]

    def memories(self, user: str) -> tuple[Memory, ...]:
        return tuple(self.kept.get(user, {}).values())

    def delete_memory(self, user: str, memory_id: str) -> None:
        if memory_id not in self.kept.get(user, {}):
            raise UnknownMemoryError("That memory is not there.", hint="Reload the page.")
        del self.kept[user][memory_id]

    def pin_memory(self, user: str, memory_id: str, *, pinned: bool) -> Memory:
        self.kept[user][memory_id] = dataclasses.replace(self.kept[user][memory_id], pinned=pinned)
        return self.kept[user][memory_id]

    def pause_memory(self, user: str, memory_id: str, *, paused: bool) -> Memory:
        self.kept[user][memory_id] = dataclasses.replace(self.kept[user][memory_id], paused=paused)
        return self.kept[user][memory_id]

    def forget(self, user: str) -> None:
        self.kept.pop(user, None)

    def status(self) -> Status:
        return Status("tiny", "m" * 64, "h" * 64, 1000, True)


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


# Address


def test_port_comes_before_gradios_variable_and_both_before_the_default() -> None:
    assert choose_port({"PORT": "8001", "GRADIO_SERVER_PORT": "8002"}) == 8001
    assert choose_port({"PORT": "", "GRADIO_SERVER_PORT": "8002"}) == 8002
    assert choose_port({}) == 7860


@pytest.mark.parametrize("value", ["web", "0", "65536", "-1", "²"])
def test_a_port_that_is_none_names_its_variable(value: str) -> None:
    with pytest.raises(ConfigError, match="GRADIO_SERVER_PORT"):
        choose_port({"GRADIO_SERVER_PORT": value})


def test_an_occupied_port_is_a_config_error_with_advice() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=f"{port}.*another"):
            require_free("127.0.0.1", port)
    require_free("127.0.0.1", port)


# Packing

texts = st.text(max_size=8)
nats = st.floats(min_value=-4, max_value=4)


@given(st.lists(st.tuples(texts, nats), max_size=30))
def test_every_token_has_exactly_one_entry_in_each_string(tokens: list[tuple[str, float]]) -> None:
    pane = Pane("".join(text for text, _ in tokens), tuple(trace(text, concise=push) for text, push in tokens))
    packed = pack(TurnUpdate("t", "q", 0, pane, pane, False))
    for side in "ab":
        assert len(unpack_tokens(str(packed[side]))) == len(str(packed["r" + side])) == len(tokens)
        assert len(unpack_tokens(str(packed["t" + side]))) == len(tokens)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters=UNIT + RECORD + GROUP + FIELD)), max_size=20))
def test_the_text_survives_packing_unless_it_is_a_separator(tokens: list[str]) -> None:
    pane = Pane("".join(tokens), tuple(trace(text) for text in tokens))
    assert unpack_tokens(str(pack(TurnUpdate("t", "q", 0, pane, pane, False))["a"])) == tuple(tokens)


def test_an_incomplete_character_is_an_empty_entry() -> None:
    pane = Pane("a🌱", (trace("a"), trace(""), trace(""), trace("🌱")))
    assert unpack_tokens(str(pack(TurnUpdate("t", "q", 0, pane, pane, False))["b"])) == ("a", "", "", "🌱")


def test_strings_only_grow_at_their_end() -> None:
    words = ("Water", " less", " than", " you", " think", ".")
    packs = [pack(update(personal=words[:count], generic=words[:count])) for count in range(len(words) + 1)]
    for before, after in itertools.pairwise(packs):
        assert all(str(after[key]).startswith(str(before[key])) for key in ("a", "b", "ra", "rb", "ta", "tb"))


def test_no_push_reads_back_as_exactly_nothing() -> None:
    assert (ord(push_letter(0.0)) - 97) / 12 - 1 == 0.0
    assert push_letter(math.nan) == "m"


@given(nats, nats)
def test_a_stronger_push_never_gets_a_weaker_letter(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert "a" <= push_letter(low) <= push_letter(high) <= "y"


def test_the_floor_colours_nothing_but_stands_in_the_tooltip() -> None:
    pane = Pane("x", (trace("x", floor=2.0),))
    packed = pack(TurnUpdate("t", "q", 0, pane, pane, False))
    assert packed["rb"] == "m"
    letter = str(packed["tb"]).split(RECORD)[1][0]
    dims = packed["dims"]
    assert isinstance(dims, list)
    assert dims[ord(letter) - 97] == "universal values"


def test_a_tooltip_names_the_pole_that_the_weight_leans_to() -> None:
    pane = Pane("x", (trace("x", concise=-0.7),))
    packed = pack(TurnUpdate("t", "q", 0, pane, pane, False, {"concise": -0.5}))
    dims = packed["dims"]
    assert isinstance(dims, list)
    assert dims[list(CATALOGUE).index("concise")] == "more detailed"
    assert "-0.70" in str(packed["tb"])


def test_a_tooltip_lists_the_alternatives_with_their_chances() -> None:
    tip = str(pack(update(personal=("Less",)))["tb"]).rstrip(UNIT)
    assert tip.split(RECORD)[2].split(FIELD) == [" the", "30", "15"]


def test_a_packed_turn_is_json_and_holds_markup_as_text() -> None:
    packed = pack(update(generic=("<b>bold</b>",), personal=("<script>",), finished=True))
    assert json.loads(json.dumps(packed)) == packed
    assert unpack_tokens(str(packed["a"])) == ("<b>bold</b>",)


def test_equal_finished_answers_are_said_to_be_equal_and_empty_ones_are_not() -> None:
    assert pack(update(generic=("a",), personal=("a",), finished=True))["same"] is True
    assert pack(update(generic=("a",), personal=("a",)))["same"] is False
    assert pack(update(finished=True))["same"] is False


def test_a_refusal_travels_as_plain_text() -> None:
    pane = Pane("I will not help with that.", (), "refused")
    session = Session().showing(TurnUpdate("", "q", 0, pane, pane, True, notice="Not answered."), QUESTION, 0.1)
    assert duel_value(session)["pb"] == pane.text
    assert not session.votable


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


def test_an_error_before_the_first_word_leaves_the_last_pair_standing() -> None:
    _, handlers, page = answered()
    failed = handlers.halt(page.in_phase("waiting"), "failed")
    assert failed.view == page.view
    assert failed.votable


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
    assert service.events == {}


def test_a_reason_belongs_to_a_thumbs_down_only() -> None:
    service, handlers, page = answered()
    page, _ = handlers.rate(SAVED, page, {"turn": "t1", "side": "generic", "mark": "down", "reason": "too-long"})
    assert duel_value(page)["marks"] == {"generic": ["down", "too-long"]}
    page, _ = handlers.rate(SAVED, page, {"turn": "t1", "side": "generic", "mark": "up", "reason": "too-long"})
    assert duel_value(page)["marks"] == {"generic": ["up", ""]}
    kinds = [event.evidence.reason for event in service.events.values() if isinstance(event.evidence, Thumb)]
    assert kinds == ["too-long", None]


@pytest.mark.parametrize(
    "detail", [{}, {"turn": "other", "outcome": "tie"}, {"turn": "t1", "outcome": "mine"}, {"turn": ["t1"]}]
)
def test_a_vote_on_anything_but_the_pair_on_screen_is_refused(detail: dict[str, object]) -> None:
    service, handlers, page = answered()
    with pytest.raises(UnknownTurnError):
        handlers.vote(SAVED, page, detail)
    assert service.events == {}


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
    assert service.events == {}


def test_a_new_turn_starts_with_nothing_pressed() -> None:
    _, handlers, page = answered()
    page, _ = handlers.vote(SAVED, page, {"turn": "t1", "outcome": "tie"})
    assert page.showing(update(turn="t1"), QUESTION, 0.0).picks
    assert not page.showing(update(turn="t2"), QUESTION, 0.0).picks


# Memories


def test_a_stated_preference_is_listed_says_what_was_understood_and_can_be_undone() -> None:
    _, handlers, page = answered()
    (note,) = handlers.state(SAVED, "keep it short")
    assert note.text == "Understood: “keep it short” → shorter"
    assert [memory.text for memory in handlers.memories(SAVED)] == ["keep it short"]
    handlers.undo(SAVED, page, note.key)
    assert handlers.memories(SAVED) == ()


def test_a_deleted_memory_comes_back_as_it_was() -> None:
    _, handlers, _ = answered()
    handlers.state(SAVED, "keep it short")
    (memory,) = handlers.memories(SAVED)
    handlers.change(SAVED, None, {"action": "pin", "id": memory.id, "on": True})
    gone = handlers.change(SAVED, None, {"action": "delete", "id": memory.id})
    assert handlers.memories(SAVED) == ()
    assert gone.deleted is not None
    handlers.change(SAVED, gone.deleted, {"action": "undo"})
    (back,) = handlers.memories(SAVED)
    assert (back.text, back.pinned) == ("keep it short", True)


def test_another_browsers_memory_cannot_be_touched_by_naming_it() -> None:
    _, handlers, _ = answered()
    handlers.state(SAVED, "keep it short")
    (memory,) = handlers.memories(SAVED)
    with pytest.raises(UnknownMemoryError):
        handlers.change(new_saved(), None, {"action": "delete", "id": memory.id})
    assert handlers.memories(SAVED) == (memory,)


def test_forgetting_needs_the_word_and_ends_the_identity() -> None:
    _, handlers, _ = answered()
    handlers.state(SAVED, "keep it short")
    with pytest.raises(InvalidTextError, match="forget"):
        handlers.forget(SAVED, "yes")
    fresh = handlers.forget(SAVED, " Forget ")
    assert user_id(fresh) != user_id(SAVED)
    assert handlers.memories(SAVED) == ()


@pytest.mark.parametrize("detail", [{"action": "undo"}, {"action": "drop tables"}, {"action": 3}, {}])
def test_an_unknown_action_is_refused_with_advice(detail: dict[str, object]) -> None:
    _, handlers, _ = answered()
    with pytest.raises(UnknownMemoryError):
        handlers.change(SAVED, None, detail)


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


def test_any_other_error_is_one_neutral_line_and_a_logged_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fails() -> Iterator[int]:
        yield 1
        raise RuntimeError("/secret/path")

    stream = guarded_stream(fails)()  # type: ignore[arg-type]
    assert next(stream) == 1
    with pytest.raises(gr.Error) as caught:
        next(stream)
    assert "secret" not in str(caught.value)
    assert "RuntimeError: /secret/path" in caplog.text


async def built() -> gr.Blocks:
    return build_screen(ScriptedService(), max_new_tokens=64)  # type: ignore[arg-type]


def test_no_listener_is_a_public_endpoint() -> None:
    # Inside a loop: outside of one, gradio makes several and leaves them open.
    blocks = asyncio.run(built())
    assert blocks.get_api_info()["named_endpoints"] == {}
    assert blocks.fns
    assert all(function.api_visibility == "private" for function in blocks.fns.values())
