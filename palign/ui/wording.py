"""The screen's sentences about values: status line, what was understood, what was learned; knows no service."""

from __future__ import annotations

from palign.dimensions import CATALOGUE
from palign.schema import Comparison, Learned, Memory, Stance, Statement, Thumb
from palign.ui.session import Session

__all__ = ["learned", "memory_line", "status_line", "understood", "vote"]

_LEAST_MOVE = 0.005
_KINDS = {"constraint": "always kept in mind", "style": "how you like answers", "topical": "used when it fits"}

_PICKS = {
    "personal": "Picked the personal answer",
    "generic": "Picked the generic answer",
    "tie": "Called it a tie",
    "both-bad": "Called both answers bad",
}


def understood(statement: Statement) -> str:
    """What one stated sentence was taken to mean: its stances, or that it is kept as it is."""
    stances = [event.evidence for event in statement.events if isinstance(event.evidence, Stance)]
    quoted = f"“{statement.memory.text}”"
    if not stances:
        return f"Remembered: {quoted}"
    meant = ", ".join(_stance(stance) for stance in stances)
    return f"Understood: {quoted} → {meant}"


def _stance(stance: Stance) -> str:
    known = CATALOGUE.get(stance.dimension)
    word = known.wording(stance.strength) if known else stance.dimension
    return f"{word} ({stance.context})" if stance.context else word


def learned(result: Learned) -> str:
    """The service's sentence, and the strongest moves of the profile where there are any."""
    moves = sorted(result.moved.items(), key=lambda move: -abs(move[1]))
    shown = [
        f"{CATALOGUE[name].wording(change)} {abs(change):+.2f}"
        for name, change in moves
        if name in CATALOGUE and abs(change) >= _LEAST_MOVE
    ][:2]
    return f"{result.note} ({', '.join(shown)})" if shown else result.note


def vote(evidence: Comparison | Thumb) -> str:
    """What was pressed, for the list of votes."""
    if isinstance(evidence, Comparison):
        return _PICKS[evidence.outcome]
    thumb = f"Thumb {'up' if evidence.up else 'down'} on the {evidence.side} answer"
    if evidence.reason is None:
        return thumb
    return f"{thumb}: {'other style' if evidence.reason == 'style' else evidence.reason.replace('-', ' ')}"


def memory_line(memory: Memory) -> str:
    """The small print of a memory: what it is for, and how often it was used."""
    uses = {0: "not used yet", 1: "used once"}.get(memory.uses, f"used {memory.uses} times")
    marks = [mark for mark, on in (("pinned", memory.pinned), ("paused", memory.paused)) if on]
    return " · ".join([_KINDS[memory.kind], uses, *marks])


def status_line(model: str, session: Session) -> str:
    """Model, seed, tokens, speed and divergence of the turn on screen, and how it ended."""
    request, stats = session.shown, session.stats
    if request is None:
        return f"{model} · ready"
    total = stats.generic_tokens + stats.personal_tokens
    speed = f"{total / stats.seconds:.0f} tokens/s" if stats.seconds > 0 else ""
    end = {"done": "done", "stopped": "stopped, the text so far is kept", "failed": "ended early"}.get(
        session.phase, ""
    )
    if stats.limited and session.phase == "done":
        end = "done at the token limit"
    parts = [
        model,
        f"seed {request.seed}",
        f"{stats.generic_tokens} + {stats.personal_tokens} tokens",
        speed,
        f"KL {stats.kl:.1f} nats",
        end,
    ]
    return " · ".join(part for part in parts if part)
