"""Laws of the strings a turn is packed into: one entry a token, growth at the end, text as text."""

from __future__ import annotations

import itertools
import json
import math

from hypothesis import given
from hypothesis import strategies as st
from scripted import QUESTION, trace, update

from palign.dimensions import CATALOGUE
from palign.schema import Pane, TurnUpdate
from palign.ui.packing import FIELD, GROUP, RECORD, UNIT, pack, push_letter, unpack_tokens
from palign.ui.session import Session, duel_value

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
