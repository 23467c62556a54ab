"""What each gesture on the screen does: plain functions from a browser's saved value and a page to a new page.

Knows `ChatService` and no screen library, so that every law here is tested without a browser. No handler takes a user
id: it is derived from the browser's token. Errors leave as `PalignError`.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

from palign.chat import ChatService
from palign.schema import (
    ErasureError,
    InvalidTextError,
    Learned,
    Memory,
    Outcome,
    Reason,
    Side,
    Stance,
    Statement,
    TurnRequest,
    UnknownMemoryError,
    UnknownTurnError,
)
from palign.ui import wording
from palign.ui.identity import new_saved, user_id
from palign.ui.session import Pick, Session

__all__ = ["Handlers", "MemoryChange", "Note", "Vote", "new_seed", "stated_notes"]

_SEEDS = 2**31
_FORGET_WORD = "forget"


@dataclass(frozen=True, slots=True)
class Note:
    """One line about what was learned; `key` names what Undo takes back, empty where there is nothing."""

    text: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class MemoryChange:
    """What an action on the list did; `gone` is an export of what Undo would bring back, or empty."""

    note: str
    gone: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One line of the list of votes; `at` is in Unix seconds."""

    id: str
    text: str
    at: float


def new_seed() -> int:
    """A seed that repeats no answer on screen."""
    return secrets.randbelow(_SEEDS)


@dataclass(frozen=True, slots=True)
class Handlers:
    """The gestures. Holds the service alone; what a page knows travels in its `Session`."""

    service: ChatService
    clock: Callable[[], float] = time.monotonic

    # Asking

    def request(self, session: Session, typed: TurnRequest, *, again: bool = False) -> TurnRequest:
        """What is to be answered: the words typed or, with `again`, the question on screen under the same numbers.

        Raises:
            InvalidTextError: there is nothing to ask.
        """
        if again and session.answered:
            # The question alone: what was stated beside it is known already.
            earlier = session.shown.earlier if session.shown else ""
            return replace(typed, text=str(session.view["question"]), earlier=earlier)
        if again or not typed.text.strip():
            raise InvalidTextError("There is no question yet.", hint="Type one, or choose a suggestion.")
        return replace(typed, earlier=session.turn_id)

    def stream(self, saved: object, session: Session, request: TurnRequest) -> Generator[Session, None, None]:
        """Answer a question; every value is the whole page. Closing the generator stops the decoder."""
        start = self.clock()
        updates = self.service.reply(user_id(saved), request)
        with closing(cast(Generator[object, None, None], updates)):
            for update in updates:
                session = session.showing(update, request, self.clock() - start)
                yield session

    def halt(self, session: Session, phase: Literal["stopped", "failed"]) -> Session:
        """The page after Stop or an error: what was said so far stays. A finished pair stays finished.

        A stream broken off by Stop may be reported as failed as well, earlier or later; it was stopped.
        """
        if session.view and session.phase in ("running", "stopped", "failed"):
            return session.in_phase("stopped" if session.phase == "stopped" else phase)
        return session.in_phase("done" if session.view else "idle")

    def unsaid(self, session: Session, request: TurnRequest | None, typed: str) -> str | None:
        """What belongs into the box once a turn is broken off: words that left it and reached no answer come back.

        They come before what was typed meanwhile. None leaves the box as it is.
        """
        if request is None or session.phase != "waiting" or not session.from_box:
            return None
        return "\n".join(filter(None, (request.text, typed)))

    # Feedback

    def vote(self, saved: object, session: Session, detail: Mapping[str, object]) -> tuple[Session, Note]:
        """Record which answer is better; an empty outcome takes the vote back."""
        self._on_screen(session, detail)
        outcome = _text(detail, "outcome")
        if not outcome:
            return self._clear(saved, session, "vote")
        if outcome not in get_args(Outcome):
            raise UnknownTurnError(f"'{outcome}' is no vote.", hint="Use one of the four buttons.")
        learned = self.service.vote(user_id(saved), session.turn_id, cast(Outcome, outcome))
        return session.picked("vote", Pick(outcome, learned.event.id)), _note(learned)

    def rate(self, saved: object, session: Session, detail: Mapping[str, object]) -> tuple[Session, Note]:
        """Record a thumb, with or without a reason; an empty mark takes it back."""
        self._on_screen(session, detail)
        side, mark, reason = (_text(detail, key) for key in ("side", "mark", "reason"))
        if side not in get_args(Side) or mark not in ("", "up", "down") or reason not in ("", *get_args(Reason)):
            raise UnknownTurnError("That is no thumb.", hint="Use the buttons under the answers.")
        if not mark:
            return self._clear(saved, session, side)
        why = cast(Reason, reason) if reason and mark == "down" else None
        learned = self.service.thumb(user_id(saved), session.turn_id, cast(Side, side), up=mark == "up", reason=why)
        return session.picked(side, Pick(mark, learned.event.id, why or "")), _note(learned)

    def undo(self, saved: object, session: Session, key: str) -> Session:
        """Take back what a note tells of: an event, or a memory with its events."""
        kind, _, identifier = key.partition(":")
        if kind == "event":
            self.service.undo(user_id(saved), identifier)
            return session.without_event(identifier)
        if kind == "memory":
            self.service.delete_memory(user_id(saved), identifier)
            return session
        raise UnknownMemoryError("There is nothing to undo.", hint="Reload the page.")

    def _on_screen(self, session: Session, detail: Mapping[str, object]) -> None:
        if not session.votable or _text(detail, "turn") != session.turn_id:
            raise UnknownTurnError("Those answers are no longer on screen.", hint="Vote on the pair shown now.")

    def _clear(self, saved: object, session: Session, key: str) -> tuple[Session, Note]:
        pick = session.picks.get(key)
        if pick is not None:
            self.service.undo(user_id(saved), pick.event_id)
        return session.picked(key, None), Note("Taken back: it no longer counts.")

    # Memories and votes

    def state(self, saved: object, text: str) -> tuple[Note, ...]:
        """Take preferences in plain words; one note for each sentence kept."""
        if not text.strip():
            raise InvalidTextError(
                "There is nothing to remember yet.", hint="Type how you like answers, for example: short, no jargon."
            )
        stated = self.service.state(user_id(saved), text)
        return stated_notes(stated) or (Note("Nothing to keep was found in that. Try: short answers, no jargon."),)

    def memories(self, saved: object) -> tuple[Memory, ...]:
        """What is listed for this browser, newest first."""
        return tuple(reversed(self.service.memories(user_id(saved))))

    def votes(self, saved: object) -> tuple[Vote, ...]:
        """The votes and thumbs of this browser, newest first."""
        return tuple(
            Vote(event.id, wording.vote(event.evidence), event.created_at)
            for event in reversed(self.service.profile(user_id(saved)).events)
            if not isinstance(event.evidence, Stance)
        )

    def retract(self, saved: object, session: Session, event_id: str) -> tuple[Session, MemoryChange]:
        """Delete one vote or thumb, whenever it was given."""
        user = user_id(saved)
        gone = self._taken(user, lambda: self.service.undo(user, event_id))
        return session.without_event(event_id), MemoryChange("Deleted: it no longer counts.", gone)

    def change(self, saved: object, gone: str, detail: Mapping[str, object]) -> MemoryChange:
        """Do one action of the memory list; `gone` is an export of what Undo would bring back."""
        action, identifier, on = _text(detail, "action"), _text(detail, "id"), detail.get("on") is True
        user = user_id(saved)
        if action == "delete":
            taken = self._taken(user, lambda: self.service.delete_memory(user, identifier))
            return MemoryChange("Deleted, with all it taught.", taken)
        if action == "undo":
            return self._restore(user, gone)
        if action == "pause":
            self.service.pause_memory(user, identifier, paused=on)
            return MemoryChange("Paused: it is not used." if on else "In use again.", gone)
        if action == "pin":
            self.service.pin_memory(user, identifier, pinned=on)
            return MemoryChange("Pinned: always used." if on else "No longer pinned.", gone)
        if action == "edit":
            changed = self.service.edit_memory(user, identifier, _text(detail, "text"))
            return MemoryChange(wording.understood(changed), gone)
        if action == "import":
            return self._import(user, _text(detail, "text"))
        raise UnknownMemoryError(f"'{action}' is no action.", hint="Reload the page.")

    def _taken(self, user: str, delete: Callable[[], None]) -> str:
        """Delete, and return an export of all that went with it."""
        before = self.service.export(user)
        delete()
        return _missing(before, self.service.export(user))

    def _restore(self, user: str, gone: str) -> MemoryChange:
        if not gone:
            raise UnknownMemoryError("There is nothing to undo.", hint="Type it again in the box at the top.")
        # Brought back whole, not parsed again: the words would not mean what they meant after an edit.
        added = self.service.restore(user, gone)
        return MemoryChange("It is back." if added else "It is there already.")

    def _import(self, user: str, document: str) -> MemoryChange:
        if not document.strip():
            raise InvalidTextError("That file is empty or too large.", hint="Choose a file that Export wrote.")
        return MemoryChange(f"Imported: {self.service.import_(user, document)} new.")

    def where_kept(self) -> str:
        """How long memories last, in one sentence."""
        if self.service.status().persistent:
            return "Kept on this machine until you delete it. Nothing is sent anywhere."
        return "Kept until this server restarts; Export saves a copy. Nothing is sent anywhere."

    def export(self, saved: object) -> str:
        """Everything about this browser's user, as one JSON document."""
        return self.service.export(user_id(saved))

    def forget(self, saved: object, typed: str) -> tuple[dict[str, object], str]:
        """Erase everything of this browser's user; returns the saved value of a new one, and what to say.

        Raises:
            InvalidTextError: the word was not typed.
        """
        if typed.strip().lower() != _FORGET_WORD:
            raise InvalidTextError("Nothing was erased.", hint=f"Type {_FORGET_WORD} to confirm.")
        try:
            self.service.forget(user_id(saved))
        except ErasureError as error:
            return new_saved(), str(error)
        return new_saved(), "Everything about you is erased."

    def status(self, session: Session) -> str:
        """The line under the answers."""
        return wording.status_line(self.service.status().model, session)


def stated_notes(statements: tuple[Statement, ...]) -> tuple[Note, ...]:
    """One note for each thing stated, with its Undo where that takes back no more than was stated."""
    return tuple(
        # Words that were known already are counted as a use of the older memory.
        Note(wording.understood(one), "" if one.memory.uses else f"memory:{one.memory.id}")
        for one in statements
    )


def _note(learned: Learned) -> Note:
    return Note(wording.learned(learned), f"event:{learned.event.id}")


def _missing(before: str, after: str) -> str:
    """The export of what only the earlier of two exports holds."""
    whole, left = json.loads(before), json.loads(after)
    for kind in ("memories", "events"):
        known = {entry["id"] for entry in left[kind]}
        whole[kind] = [entry for entry in whole[kind] if entry["id"] not in known]
    return json.dumps(whole)


def _text(detail: Mapping[str, object], key: str) -> str:
    """A string that a browser sent, empty where it sent something else."""
    value = detail.get(key, "")
    return value if isinstance(value, str) else ""
