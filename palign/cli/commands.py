"""The subcommands chat, feedback, profile, train and eval: each asks the service once and prints what it says."""

from __future__ import annotations

import signal
import sys
from argparse import Namespace
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from palign.cli.memory import say_unless_known
from palign.cli.output import (
    AnswerPrinter,
    chat_document,
    event_line,
    plain,
    printable,
    profile_document,
    to_json,
    turn_notes,
)
from palign.config import Settings
from palign.schema import Learned, Statement, TurnRequest, TurnUpdate, UnknownTurnError

if TYPE_CHECKING:
    from palign.chat import ChatService

__all__ = ["chat", "evaluate", "examine", "feedback", "profile", "train"]

THROWAWAY = "throwaway"


def chat(arguments: Namespace, settings: Settings) -> int:
    """Answer a question twice; stated preferences come first and last, as if typed."""
    from palign.compose import build_service

    with build_service(settings, throwaway=arguments.user is None) as service:
        user_id = THROWAWAY if arguments.user is None else arguments.user
        stated = [statement for text in arguments.prefer for statement in service.state(user_id, text)]
        update = _answer(service, user_id, _request(arguments, settings), stream=not arguments.json)
        if arguments.json:
            print(to_json(chat_document(update, service.status())))
            if update.personal.tokens and not update.turn_id:  # answered, but there was no room to store it
                sys.stderr.write(printable(f"{update.notice}\n"))
        else:
            _print_notes(update, stated, arguments.user)
    return 0


def _request(arguments: Namespace, settings: Settings) -> TurnRequest:
    return TurnRequest(
        text=arguments.question,
        strength=arguments.strength,
        seed=arguments.seed,
        temperature=arguments.temperature,
        explore=arguments.explore == "on",
        max_new_tokens=settings.max_new_tokens if arguments.max_new_tokens is None else arguments.max_new_tokens,
    )


def _answer(service: ChatService, user_id: str, request: TurnRequest, *, stream: bool) -> TurnUpdate:
    """The last update; a turn that Ctrl-C ended is stored as far as it came before KeyboardInterrupt is raised."""
    printer = AnswerPrinter(sys.stdout)
    last: TurnUpdate | None = None
    with _noticing_interrupt() as interrupted, _closing(service.reply(user_id, request)) as updates:
        for last in updates:
            if stream:
                printer.show(last)
            if interrupted.is_set():
                break
    printer.end()
    if interrupted.is_set():
        raise KeyboardInterrupt
    if last is None:
        raise RuntimeError("The service ended a turn without an update.")
    return last


@contextmanager
def _closing(updates: Iterator[TurnUpdate]) -> Iterator[Iterator[TurnUpdate]]:
    try:
        yield updates
    finally:
        if isinstance(updates, Generator):
            updates.close()


@contextmanager
def _noticing_interrupt() -> Iterator[Event]:
    """Ctrl-C once is noted, so that no write to the store is cut in two; twice is an interrupt at once."""
    noticed = Event()

    def note(_: int, __: object) -> None:
        if noticed.is_set():
            raise KeyboardInterrupt
        noticed.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield noticed
    finally:
        signal.signal(signal.SIGINT, before)


def _print_notes(update: TurnUpdate, stated: Sequence[Statement], user: str | None) -> None:
    before = TurnUpdate("", "", 0, update.generic, update.personal, finished=True, stated=tuple(stated))
    notes = turn_notes(before) + turn_notes(update)
    if user is not None and update.turn_id:
        notes.append(printable(f"Turn: {update.turn_id}"))
    print("\n" * bool(notes) + "\n".join(notes))


def feedback(arguments: Namespace, settings: Settings) -> int:
    """Record a pick or a thumb and say what it taught."""
    thumb = arguments.vote in ("up", "down")
    if not thumb and (arguments.side or arguments.reason):
        arguments.usage_error("--side and --reason go with --vote up or down")
    if arguments.vote == "up" and arguments.reason:
        arguments.usage_error("--reason goes with --vote down")
    from palign.compose import build_service

    with build_service(settings) as service:
        try:
            learned = _recorded(service, arguments, thumb=thumb)
        except UnknownTurnError as error:
            raise UnknownTurnError(
                f"No turn '{arguments.turn}' is stored for '{arguments.user}'.",
                hint="Check --turn and --user; `palign chat --user ID` prints the turn.",
            ) from error
    print(to_json(_learned_document(learned)) if arguments.json else printable(learned.note))
    return 0


def _recorded(service: ChatService, arguments: Namespace, *, thumb: bool) -> Learned:
    user, turn, vote = arguments.user, arguments.turn, arguments.vote
    if not thumb:
        return service.vote(user, turn, vote)
    return service.thumb(user, turn, arguments.side or "personal", up=vote == "up", reason=arguments.reason)


def _learned_document(learned: Learned) -> dict[str, object]:
    return {"event": learned.event.id, "moved": plain(learned.moved), "note": learned.note}


def profile(arguments: Namespace, settings: Settings) -> int:
    """Print what is believed of a user and why."""
    from palign.compose import build_service

    with build_service(settings) as service:
        believed = service.profile(arguments.user)
        say_unless_known(service, arguments.user)
    if arguments.json:
        print(to_json(profile_document(believed)))
        return 0
    for name, mean in believed.mean.items():
        print(f"{name:<12} {mean:+.2f} ± {believed.std[name]:.2f}")
    for event in believed.events:
        print(printable(event_line(event)))
    return 0


def train(arguments: Namespace, _: Settings) -> int:
    """Hand the arguments to the training."""
    from palign.training.run import run

    run(arguments.arguments)
    return 0


def examine(arguments: Namespace, _: Settings) -> int:
    """Hand the arguments to the examination; 1 where a line does not hold."""
    from palign.evaluation.model.run import run

    return 0 if run(arguments.arguments) else 1


def evaluate(arguments: Namespace, _: Settings) -> int:
    """Hand the arguments to the evaluation; 1 where a law does not hold."""
    from palign.evaluation.run import run

    return 0 if run(arguments.arguments) else 1
