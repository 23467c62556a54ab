"""Packs one turn into a few strings that a browser paints by appending; knows schema values and no screen.

Full state, never a delta: updates may be merged on the way. Strings grow only at their end, so what travels is the
new part. Per pane (`a` generic, `b` yours), every token has exactly one entry in each string:

- `a`, `b`: the tokens' text, each ended by UNIT. An incomplete character is an empty entry.
- `ra`, `rb`: one letter per token, a to y: the push, in 25 steps of which m is exactly none.
- `ta`, `tb`: what the tooltip shows, each ended by UNIT; see `_tip`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from palign.dimensions import CATALOGUE
from palign.schema import Pane, TokenTrace, TurnUpdate

__all__ = ["FIELD", "GROUP", "RECORD", "UNIT", "Packed", "pack", "push_letter", "unpack_tokens"]

UNIT, RECORD, GROUP, FIELD = "\x1f", "\x1e", "\x1d", "\x1c"
_SEPARATORS = str.maketrans("", "", UNIT + RECORD + GROUP + FIELD)

# Nats. A push of this size gets the strongest colour; one 24th of it is still painted neutral.
FULL_COLOUR = 1.5
FLOOR = "floor"
_LEAST_SHOWN = 0.05

Packed = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Names:
    """What the dimensions are called in one turn: the pole that its weights lean to."""

    letters: Mapping[str, str]
    words: tuple[str, ...]


def _names(weights: Mapping[str, float]) -> _Names:
    words = tuple(entry.wording(weights.get(name, 0.0)) for name, entry in CATALOGUE.items())
    keys = (*CATALOGUE, FLOOR)
    return _Names({key: chr(97 + index) for index, key in enumerate(keys)}, (*words, "universal values"))


def push_letter(nats: float) -> str:
    """One of 25 letters for a push in nats: a is strongly down, m exactly none, y strongly up."""
    share = 0.0 if math.isnan(nats) else max(-1.0, min(1.0, nats / FULL_COLOUR))
    return chr(97 + round((share + 1) * 12))


def clean(text: str) -> str:
    """Text without the four separator characters."""
    return text.translate(_SEPARATORS)


def _percent(logprob: float) -> str:
    return f"{100 * math.exp(min(0.0, logprob)):.0f}"


def _preference_push(pushes: Mapping[str, float]) -> float:
    return sum(nats for name, nats in pushes.items() if name != FLOOR)


def _tip(token: TokenTrace, names: _Names) -> str:
    """Three records: chances, pushes, alternatives.

    Chances: percent without and with steering. Pushes, strongest first: a dimension's letter and signed nats.
    Alternatives: text, percent without, percent with steering.
    """
    ranked = sorted(token.pushes.items(), key=lambda item: -abs(item[1]))
    pushes = [
        f"{names.letters[name]}{nats:+.2f}"
        for name, nats in ranked
        if abs(nats) >= _LEAST_SHOWN and name in names.letters
    ]
    beaten = [
        FIELD.join((clean(other.token), _percent(other.base_logprob), _percent(other.logprob)))
        for other in token.alternatives
    ]
    chances = FIELD.join((_percent(token.base_logprob), _percent(token.logprob)))
    return RECORD.join((chances, GROUP.join(pushes), GROUP.join(beaten)))


def _pane(pane: Pane, names: _Names) -> tuple[str, str, str]:
    texts = "".join(clean(token.token) + UNIT for token in pane.tokens)
    letters = "".join(push_letter(_preference_push(token.pushes)) for token in pane.tokens)
    tips = "".join(_tip(token, names) + UNIT for token in pane.tokens)
    return texts, letters, tips


def _untraced(pane: Pane) -> str:
    """Text that no token carries: a refusal, or an answer put back whole. Shown plainly, uncoloured."""
    return pane.text if pane.text and not pane.tokens else ""


def _leaning(weights: Mapping[str, float]) -> list[str]:
    ranked = sorted(weights.items(), key=lambda item: -abs(item[1]))
    return [
        CATALOGUE[name].wording(weight) for name, weight in ranked if abs(weight) >= _LEAST_SHOWN and name in CATALOGUE
    ]


def pack(update: TurnUpdate) -> Packed:
    """The part of the duel's value that a turn decides; JSON throughout."""
    names = _names(update.weights)
    a, ra, ta = _pane(update.generic, names)
    b, rb, tb = _pane(update.personal, names)
    trying = [CATALOGUE[stance.dimension].wording(stance.strength) for stance in update.exploring]
    return {
        "turn": update.turn_id,
        "question": update.prompt,
        "a": a,
        "ra": ra,
        "ta": ta,
        "pa": _untraced(update.generic),
        "b": b,
        "rb": rb,
        "tb": tb,
        "pb": _untraced(update.personal),
        "dims": list(names.words),
        "used": [hit.memory.text for hit in update.memories],
        "leaning": [word for word in _leaning(update.weights) if word not in trying],
        "trying": trying,
        "notice": update.notice,
        "same": update.finished and update.generic.text == update.personal.text != "",
    }


def unpack_tokens(packed: str) -> tuple[str, ...]:
    """The entries of a packed string; what the browser does, for tests and tools."""
    return tuple(packed.split(UNIT)[:-1])
