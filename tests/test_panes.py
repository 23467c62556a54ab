"""Laws of a pane: its pieces add up to its text, whole characters only, and an end is an end."""

from __future__ import annotations

import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from palign.chat.panes import PaneWriter
from palign.decoding import DecodingStep, StepAlternative
from palign.schema import Pane


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("tiny")).model.tokenizer


def step(token, *, ended=None, pushes=(0.0, 0.0), alternatives=()):
    return DecodingStep(0, token, -1.0, -0.5, pushes, 0.25, 0.125, alternatives, ended)


def written(tokenizer, ids, last=None):
    writer = PaneWriter(tokenizer, ("concise", "formal"))
    for index, token in enumerate(ids):
        writer.add(step(token, ended=last if index == len(ids) - 1 else None))
    return writer


@pytest.mark.parametrize(("text", "pieces"), [
    ("a€b", ["a", "", "", "€", "b"]),
    ("é", ["", "é"]),
    ("🙂!", ["", "", "", "🙂", "!"]),
])  # fmt: skip
def test_a_character_split_over_tokens_appears_whole_with_its_last(tokenizer, text, pieces):
    pane = written(tokenizer, tokenizer.encode_answer(text)).pane
    assert [trace.token for trace in pane.tokens] == pieces
    assert pane.text == text


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd"), max_size=30))
def test_an_answer_written_token_by_token_is_its_text(tokenizer, text):
    pane = written(tokenizer, tokenizer.encode_answer(text)).pane
    assert pane.text == text


@given(st.lists(st.integers(0, 260), max_size=30), st.sampled_from([None, "stop", "length"]))
def test_pieces_add_up_to_the_text_whatever_the_tokens(tokenizer, ids, last):
    pane = written(tokenizer, ids, last).pane
    assert "".join(trace.token for trace in pane.tokens) == pane.text


@given(st.lists(st.integers(0, 260), max_size=30))
def test_a_growing_text_only_grows(tokenizer, ids):
    writer, before = PaneWriter(tokenizer, ("concise", "formal")), ""
    for token in ids:
        writer.add(step(token))
        assert writer.pane.text.startswith(before)
        before = writer.pane.text


def test_the_end_mark_is_scored_and_traced_but_no_text(tokenizer):
    ids = [*tokenizer.encode_answer("Hi"), 4]
    writer = written(tokenizer, ids, "stop")
    assert writer.token_ids == ids
    assert (writer.pane.text, writer.pane.finish_reason) == ("Hi", "stop")
    assert [trace.token for trace in writer.pane.tokens] == ["H", "i", ""]


def test_no_stop_token_is_text_and_half_a_character_before_it_is_left_out(tokenizer):
    letters = tokenizer.encode_answer("Hi€.")
    pane = written(tokenizer, [*letters[:3], letters[-1]], "stop").pane
    assert (pane.text, pane.finish_reason) == ("Hi", "stop")


def test_the_last_token_of_a_full_answer_is_text(tokenizer):
    pane = written(tokenizer, tokenizer.encode_answer("Hi"), "length").pane
    assert (pane.text, pane.finish_reason) == ("Hi", "length")


def test_a_trace_names_the_dimensions_that_pushed_and_always_the_floor(tokenizer):
    other = StepAlternative(tokenizer.encode_answer("B")[0], -2.0, -3.0, (-0.5, 0.0), 0.75)
    writer = PaneWriter(tokenizer, ("concise", "formal"))
    writer.add(step(tokenizer.encode_answer("A")[0], pushes=(0.0, 1.5), alternatives=(other,)))
    (trace,) = writer.pane.tokens
    assert trace.pushes == {"formal": 1.5, "floor": 0.25}
    assert (trace.base_logprob, trace.logprob, trace.kl) == (-1.0, -0.5, 0.125)
    assert [(one.token, one.logprob, one.pushes) for one in trace.alternatives] == [
        ("B", -3.0, {"concise": -0.5, "floor": 0.75})
    ]


def test_pushes_that_do_not_match_the_dimensions_are_an_error(tokenizer):
    with pytest.raises(ValueError, match="zip"):
        PaneWriter(tokenizer, ("concise",)).add(step(70))


def test_what_a_pane_spent_is_the_sum_of_its_steps(tokenizer):
    assert written(tokenizer, [70, 71, 72]).pane.kl == pytest.approx(0.375)


def test_closing_ends_a_running_pane_and_no_other(tokenizer):
    running, ended = written(tokenizer, [70]), written(tokenizer, [70, 4], "stop")
    for writer in (running, ended):
        writer.close("cancelled")
    assert (running.pane.finish_reason, ended.pane.finish_reason) == ("cancelled", "stop")


def test_a_replaced_text_stays_replaced_while_its_row_still_runs(tokenizer):
    writer = written(tokenizer, tokenizer.encode_answer("bad"))
    writer.replace("I'd rather not.", "refused")
    for token in tokenizer.encode_answer(" and a good deal more of it"):
        writer.add(step(token))
    writer.add(step(4, ended="stop"))
    writer.close("cancelled")
    assert writer.pane == Pane("I'd rather not.", (), "refused")


def test_a_withheld_text_leaves_no_token_to_score(tokenizer):
    writer = written(tokenizer, tokenizer.encode_answer("bad"))
    writer.replace("I'd rather not.", "refused")
    writer.add(step(70))
    assert writer.token_ids == []
