"""What the server remembers of one open page, and the duel's value made from it; knows no service and no screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from palign.schema import Statement, TurnRequest, TurnUpdate
from palign.ui.packing import Packed, pack

__all__ = ["Phase", "Pick", "Session", "Stats", "duel_value"]

Phase = Literal["idle", "waiting", "running", "done", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class Pick:
    """A vote or thumb as pressed on the screen, and the event it became."""

    mark: str
    event_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Stats:
    """What the status line tells of a turn. `seconds` run from the request to the last update."""

    generic_tokens: int = 0
    personal_tokens: int = 0
    seconds: float = 0.0
    kl: float = 0.0
    limited: bool = False


# Compared by identity: the screen's library hashes a state on every update, and a turn is long.
@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One open page: what is shown, what was asked for it (`shown`), what was pressed.

    `n` grows with every value sent to the duel, so that a late update never paints over a newer one. `picks` has the
    keys `vote`, `personal` and `generic`. `from_box` says whether the question was typed.
    """

    view: Packed = field(default_factory=dict)
    shown: TurnRequest | None = None
    phase: Phase = "idle"
    n: int = 0
    stats: Stats = Stats()
    picks: Mapping[str, Pick] = field(default_factory=dict)
    stated: tuple[Statement, ...] = ()
    from_box: bool = True

    @property
    def turn_id(self) -> str:
        """The turn on screen, empty before the first."""
        return str(self.view.get("turn", ""))

    @property
    def answered(self) -> bool:
        """Whether two answers stand on screen, as against a refusal, an acknowledgement or nothing."""
        return bool(self.view.get("a")) and bool(self.view.get("b"))

    @property
    def votable(self) -> bool:
        """Whether both answers are there to be judged, and their turn is stored."""
        return self.answered and self.turn_id != "" and self.phase in ("done", "stopped")

    @property
    def repeatable(self) -> bool:
        """Whether there is a question to answer again, and nothing under way."""
        return self.answered and self.phase not in ("waiting", "running")

    def asking(self, *, from_box: bool = True) -> Session:
        """The page once another question is on its way; what the last one stated is old news."""
        return replace(self.in_phase("waiting"), stated=(), from_box=from_box)

    def in_phase(self, phase: Phase) -> Session:
        """The same page, one step on."""
        return replace(self, phase=phase, n=self.n + 1)

    def showing(self, update: TurnUpdate, request: TurnRequest, seconds: float) -> Session:
        """The page after an update of the running turn; a new turn has no picks."""
        stats = Stats(
            len(update.generic.tokens),
            len(update.personal.tokens),
            seconds,
            update.personal.kl,
            "length" in (update.generic.finish_reason, update.personal.finish_reason),
        )
        picks = self.picks if update.turn_id == self.turn_id else {}
        shown = replace(self, view=pack(update), shown=request, stats=stats, picks=picks, stated=update.stated)
        return shown.in_phase("done" if update.finished else "running")

    def picked(self, key: str, pick: Pick | None) -> Session:
        """The page after a vote or thumb was pressed or, with None, cleared."""
        kept = {name: old for name, old in self.picks.items() if name != key}
        return replace(self, picks={**kept, key: pick} if pick else kept, n=self.n + 1)

    def without_event(self, event_id: str) -> Session:
        """The page after an event was undone elsewhere: its button is no longer pressed."""
        kept = {name: pick for name, pick in self.picks.items() if pick.event_id != event_id}
        return replace(self, picks=kept, n=self.n + 1)


def duel_value(session: Session) -> Packed:
    """Everything the duel shows: the turn, and the state of its buttons."""
    request = session.shown
    return {
        **session.view,
        "n": session.n,
        "phase": session.phase,
        "line": _personal_line(session, request),
        "explore": request.explore if request else True,
        "votable": session.votable,
        "marks": {key: [pick.mark, pick.reason] for key, pick in session.picks.items()},
    }


def _personal_line(session: Session, request: TurnRequest | None) -> str:
    if request is None:
        return "steered by what you say and vote"
    used = session.view.get("used")
    count = len(used) if isinstance(used, list) else 0
    known = {0: "no memories", 1: "1 memory"}.get(count, f"{count} memories")
    return f"{known} · strength {request.strength:g}"
