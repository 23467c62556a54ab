"""Laws of a message that asks for the last answer in another form, on the shipped model and a real store."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from turns import ASK, QUESTION, answered

from palign.chat import ChatService
from palign.compose import build_service
from palign.config import Settings
from palign.prompts import HARMFUL, LAST_ANSWER
from palign.schema import TopicGuess, Turn, TurnRequest, TurnUpdate


@pytest.fixture(scope="module")
def service() -> Iterator[ChatService]:
    with build_service(Settings(), throwaway=True) as built:
        yield built


FORMS = TopicGuess((LAST_ANSWER,), "sure")


class Guesses:
    """Reads what it was told to; all else as nothing."""

    def __init__(self, **guesses: TopicGuess) -> None:
        self.guesses = {text.replace("_", " "): guess for text, guess in guesses.items()}

    def read(self, question: str) -> TopicGuess:
        return self.guesses.get(question.rstrip("?."), TopicGuess())


@pytest.fixture
def reading(service: ChatService, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    return lambda **guesses: monkeypatch.setattr(service, "_reader", Guesses(**guesses))


def after(first: TurnUpdate, text: str) -> TurnRequest:
    return dataclasses.replace(ASK, text=text, earlier=first.turn_id)


def stored(service: ChatService, user: str, update: TurnUpdate) -> Turn:
    return service._memory.turn(user, update.turn_id)


def test_a_follow_up_goes_back_to_the_question_before_it_and_the_next_one_to_the_same(
    service: ChatService, reading: Callable[..., None]
) -> None:
    reading(why=FORMS, shorter=FORMS)
    first = answered(service, "follower")
    second = answered(service, "follower", after(first, "why?"))
    third = answered(service, "follower", after(second, "shorter"))
    assert [update.prompt for update in (second, third)] == ["why?", "shorter"]
    assert [stored(service, "follower", update).prompt for update in (first, second, third)] == [QUESTION] * 3
    alone = answered(service, "follower", dataclasses.replace(ASK, text="why?"))
    assert alone.generic.text != second.generic.text


def test_a_follow_up_teaches_nothing_and_a_lasting_wish_after_an_answer_does(
    service: ChatService, reading: Callable[..., None]
) -> None:
    short, lasting = "shorter please", "I like short answers"
    reading(**{short.replace(" ", "_"): FORMS, lasting.replace(" ", "_"): FORMS})
    first = answered(service, "teacher")
    assert answered(service, "teacher", after(first, short)).stated == ()
    assert service.memories("teacher") == ()
    assert answered(service, "teacher", after(first, lasting)).stated != ()
    assert answered(service, "untaught", dataclasses.replace(ASK, text=short)).stated != ()


@pytest.mark.parametrize(
    "guess",
    [
        TopicGuess((LAST_ANSWER,), "weak"),
        TopicGuess((LAST_ANSWER, f"{HARMFUL} weapons"), "likely"),
        TopicGuess(("boil eggs", LAST_ANSWER), "likely"),
        TopicGuess(),
    ],
)
def test_what_may_be_something_else_is_no_follow_up(
    service: ChatService, reading: Callable[..., None], guess: TopicGuess
) -> None:
    reading(and_then=guess)
    first = answered(service, "vague")
    update = answered(service, "vague", after(first, "and then?"))
    assert stored(service, "vague", update).prompt == "and then?"


def test_nothing_goes_back_to_what_was_forgotten_or_belongs_to_another_or_is_temporary(
    service: ChatService, reading: Callable[..., None]
) -> None:
    reading(why=FORMS)
    service.state("oblivious", "I'm vegetarian.")
    asked = dataclasses.replace(ASK, text="How do I get fit?")
    first = answered(service, "oblivious", asked)
    assert first.memories
    second = answered(service, "oblivious", after(first, "why?"))
    service.delete_memory("oblivious", first.memories[0].memory.id)
    assert not any((turn.prompt + turn.personal).strip() for turn in service._memory.turns("oblivious"))
    alone = answered(service, "nobody", dataclasses.replace(ASK, text="why?")).generic.text
    for user, request in (
        ("oblivious", after(second, "why?")),
        ("somebody else", after(second, "why?")),
        ("nobody", dataclasses.replace(after(second, "why?"), temporary=True)),
    ):
        assert answered(service, user, request).generic.text == alone
