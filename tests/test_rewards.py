"""Laws of the heads and of the answer score, and what a wrong head file says."""

from __future__ import annotations

import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from palign.models.language import file_sha256
from palign.rewards import AnswerScorer, PersRMHeads
from palign.schema import AssetError, Message, UnknownDimensionError

WEIGHTS = {"concise": 0.8, "formal": -0.4}


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def prompt(parts):
    return parts.model.tokenizer.encode_chat([Message("user", "How do I sleep better?")])


@pytest.fixture(scope="module")
def state(parts, prompt):
    other = parts.model.tokenizer.encode_chat([Message("user", "Soup?")])
    return parts.model.prefill([prompt, other])


def all_tokens(parts, rows):
    return torch.arange(len(parts.model.embeddings)).repeat(rows, 1)


weight = st.floats(-1, 1)
mappings = st.dictionaries(st.sampled_from(tiny.DIMENSIONS), weight)


@given(st.tuples(mappings, mappings))
@settings(max_examples=25)
def test_the_folded_push_is_the_sum_of_what_explain_shows(parts, state, rows):
    ids = all_tokens(parts, 2)
    stream = parts.heads.open(rows)
    summed = stream.explain(state.hidden, ids).sum(-1)
    torch.testing.assert_close(stream.push(state.hidden, ids), summed, atol=1e-4, rtol=1e-4)


def test_a_row_is_pushed_by_its_own_weights_alone(parts, state):
    ids = all_tokens(parts, 2)
    both = parts.heads.open([{}, WEIGHTS]).push(state.hidden, ids)
    swapped = parts.heads.open([WEIGHTS, {}]).push(state.hidden, ids)
    assert not both[0].any() and not swapped[1].any()
    assert both[1].abs().max() > 0.1 and swapped[0].abs().max() > 0.1


def test_opposite_weights_push_oppositely(parts, state):
    ids = all_tokens(parts, 2)
    opposite = {name: -value for name, value in WEIGHTS.items()}
    there, back = (parts.heads.open([w, w]).push(state.hidden, ids) for w in (WEIGHTS, opposite))
    torch.testing.assert_close(there, -back)


def test_no_weight_moves_the_floor(parts, state):
    ids = all_tokens(parts, 2)
    plain, weighted = (parts.heads.open([w, w]).floor(state.hidden, ids) for w in ({}, WEIGHTS))
    assert torch.equal(plain, weighted)
    assert plain.abs().max() > 0.1


def test_rewards_leave_what_they_read_as_it_was(parts, state):
    ids, hidden = all_tokens(parts, 2), state.hidden.clone()
    stream = parts.heads.open([WEIGHTS, {}])
    for read in (stream.push, stream.explain, stream.floor):
        read(state.hidden, ids)
    assert torch.equal(hidden, state.hidden)


def test_a_weight_on_a_dimension_without_a_head_is_refused_by_name(parts):
    with pytest.raises(UnknownDimensionError, match=r"'loud'.*concise, playful, formal"):
        parts.heads.open([{"loud": 1.0}])


# The answer score


def test_heads_cover_further_dimensions_by_steering_nothing_there(parts, state):
    wider = parts.heads.covering(("unheard", *reversed(parts.heads.dimensions)))
    ids = all_tokens(parts, 2)
    own, wide = (heads.open([WEIGHTS, WEIGHTS]).push(state.hidden, ids) for heads in (parts.heads, wider))
    torch.testing.assert_close(own, wide, atol=1e-4, rtol=1e-4)
    assert not wider.open([{"unheard": 1.0}] * 2).push(state.hidden, ids).any()
    assert wider.sha256 == parts.heads.sha256
    assert set(wider.steered) == set(parts.heads.dimensions)
    with pytest.raises(AssetError, match=parts.heads.dimensions[0]):
        parts.heads.covering(("unheard",))


def test_the_score_of_a_token_is_centred_under_the_base(parts, prompt):
    scorer = AnswerScorer(parts.model, parts.heads)
    scores = [list(scorer.score(prompt, [token]).values()) for token in range(len(parts.model.embeddings))]
    odds = torch.softmax(parts.model.prefill([prompt]).logits[0], -1)
    expected = odds @ torch.tensor(scores)
    torch.testing.assert_close(expected, torch.zeros(3), atol=1e-4, rtol=0)
    assert torch.tensor(scores).std(0).min() > 0.1


def test_the_score_of_a_token_is_its_centred_reward(parts, prompt):
    state = parts.model.prefill([prompt])
    ones = dict.fromkeys(tiny.DIMENSIONS, 1.0)
    phi = parts.heads.open([ones]).explain(state.hidden, all_tokens(parts, 1))[0]  # (V, D)
    centred = phi[77] - torch.softmax(state.logits[0], -1) @ phi
    scored = AnswerScorer(parts.model, parts.heads).score(prompt, [77])
    assert list(scored) == list(tiny.DIMENSIONS)
    assert list(scored.values()) == pytest.approx(centred.tolist(), abs=1e-4)


def test_the_score_of_an_answer_sums_its_tokens_over_the_root_of_its_length(parts, prompt):
    scorer = AnswerScorer(parts.model, parts.heads)
    answer = parts.model.tokenizer.encode_answer("Go to bed.")
    each = [scorer.score([*prompt, *answer[:at]], [token]) for at, token in enumerate(answer)]
    for name, value in scorer.score(prompt, answer).items():
        assert value == pytest.approx(sum(step[name] for step in each) / len(answer) ** 0.5, abs=1e-3)


def test_an_empty_answer_is_worth_nothing(parts, prompt):
    assert AnswerScorer(parts.model, parts.heads).score(prompt, []) == dict.fromkeys(tiny.DIMENSIONS, 0.0)


def test_what_lies_past_the_context_is_not_scored(parts, prompt):
    scorer = AnswerScorer(parts.model, parts.heads)
    room = parts.model.context - len(prompt)
    assert scorer.score(prompt, [80] * (room + 50)) == scorer.score(prompt, [80] * room)
    assert scorer.score([80] * parts.model.context, [80]) == dict.fromkeys(tiny.DIMENSIONS, 0.0)


# The file


def test_saved_heads_load_as_they_were(parts):
    tensors = load_file(parts.heads_path)
    assert parts.heads.dimensions == tiny.DIMENSIONS
    assert torch.equal(parts.heads.up, tensors["up"]) and torch.equal(parts.heads.down, tensors["down"])
    assert torch.equal(parts.heads.floor_matrix, tensors["floor_up"] @ tensors["floor_down"].T)
    assert parts.heads.sha256 == file_sha256(parts.heads_path)


def refused(path, model, *, because):
    with pytest.raises(AssetError, match=because) as caught:
        PersRMHeads.load(path, model)
    assert caught.value.path == str(path)
    assert "palign train heads" in caught.value.hint


def test_heads_of_another_base_are_refused(parts, tmp_path):
    path = tmp_path / "heads.safetensors"
    tiny.save_random_heads(path, base_sha256="0" * 64)
    refused(path, parts.model, because="another base model")


def test_heads_of_another_width_are_refused(parts, tmp_path):
    path = tmp_path / "heads.safetensors"
    tiny.save_random_heads(path, base_sha256=parts.model.sha256, width=48)
    refused(path, parts.model, because="another base model")


def test_missing_heads_are_refused(parts, tmp_path):
    refused(tmp_path / "heads.safetensors", parts.model, because="no usable heads")


@pytest.mark.parametrize("length", [0, 7, 200, -1])
def test_truncated_heads_are_refused(parts, tmp_path, length):
    path = tmp_path / "heads.safetensors"
    path.write_bytes(parts.heads_path.read_bytes()[:length])
    refused(path, parts.model, because="no usable heads")


def without_floor(tensors):
    del tensors["floor_down"]


def of_one_dimension_less(tensors):
    tensors["up"], tensors["down"] = tensors["up"][1:].clone(), tensors["down"][1:].clone()


def of_unlike_ranks(tensors):
    tensors["down"] = tensors["down"][:, :, :1].clone()


def not_a_number(tensors):
    tensors["floor_up"][3, 0] = float("nan")


@pytest.mark.parametrize("spoil", [without_floor, of_one_dimension_less, of_unlike_ranks, not_a_number])
def test_damaged_heads_are_refused(parts, tmp_path, spoil):
    path, tensors = tmp_path / "heads.safetensors", load_file(parts.heads_path)
    spoil(tensors)
    header = {"base_sha256": parts.model.sha256, "dimensions": ",".join(tiny.DIMENSIONS)}
    save_file(tensors, path, metadata=header)
    refused(path, parts.model, because="no usable heads")
