"""Laws of the decoder on a real, tiny model: parity with `generate`, rows apart, seeds, ends, budget, trace."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny
import torch
from transformers import AutoModelForCausalLM

from palign.config import DecodingConfig
from palign.decoding import GuidedDecoder
from palign.models.language import LanguageModel
from palign.schema import ConfigError, ContextLengthError, Message, UnknownDimensionError

QUESTIONS = ("What should I cook tonight?", "Soup?", "How do I keep my houseplants alive all winter?", "Why?", "")
WEIGHTS = {"concise": 0.9, "formal": -0.5}
SAFETY = 1.0
GREEDY = DecodingConfig(temperature=0.0, max_new_tokens=24)
SAMPLED = DecodingConfig(temperature=0.6, max_new_tokens=24)
# Candidates enough to see the whole distribution in the trace.
SEEN_WHOLE = DecodingConfig(temperature=0.0, max_new_tokens=1, alternatives=1000)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    return tiny.build(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def prompts(parts):
    return [parts.model.tokenizer.encode_chat([Message("user", text)]) for text in QUESTIONS]


@pytest.fixture(scope="module")
def decoder(parts):
    return GuidedDecoder(parts.model, parts.heads, safety_weight=SAFETY)


@pytest.fixture(scope="module")
def plain(parts):
    """No floor: the model as it is, wherever w is 0."""
    return GuidedDecoder(parts.model, parts.heads, safety_weight=0.0)


def rows(decoder, prompts, weights, config):
    """The steps of each row."""
    collected = [[] for _ in prompts]
    for steps in decoder.stream(prompts, weights, config):
        for step in steps:
            collected[step.row].append(step)
    return collected


def tokens(decoder, prompts, weights, config):
    return [[step.token_id for step in row] for row in rows(decoder, prompts, weights, config)]


def changed(config, **fields):
    kept = {name: getattr(config, name) for name in DecodingConfig.__dataclass_fields__}
    return DecodingConfig(**kept | fields)


# Parity


def generated(parts, prompts, *, stop):
    """What transformers makes of the prompts, padded on the left, each cut after its first stop token."""
    reference = AutoModelForCausalLM.from_pretrained(parts.folder, dtype=torch.float32)
    width = max(len(prompt) for prompt in prompts)
    ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    output = reference.generate(
        input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=24, eos_token_id=stop, pad_token_id=0
    )
    answers = [row[width:].tolist() for row in output]
    return [row[: row.index(stop) + 1] if stop in row else row for row in answers]


def test_zero_reward_and_greedy_equal_generate_token_for_token(parts, plain, prompts):
    for prompt in prompts:
        assert tokens(plain, [prompt], [{}], GREEDY) == generated(parts, [prompt], stop=4)


def test_zero_reward_and_greedy_equal_generate_under_left_padding(parts, plain, prompts):
    assert tokens(plain, prompts, [{}] * len(prompts), GREEDY) == generated(parts, prompts, stop=4)


def test_a_stop_token_ends_one_row_and_not_the_other(parts, prompts):
    free = generated(parts, prompts, stop=4)
    stop = next(token for token in free[0][1:] if token not in free[2])
    model = LanguageModel.load(parts.folder)
    model.stop_ids = frozenset({stop})
    decoder = GuidedDecoder(model, parts.heads, safety_weight=0.0)
    ended, running = rows(decoder, [prompts[0], prompts[2]], [{}, {}], GREEDY)
    assert (ended[-1].token_id, ended[-1].ended) == (stop, "stop")
    assert len(ended) < len(running) == 24
    assert [step.token_id for step in ended] == generated(parts, [prompts[0]], stop=stop)[0]
    assert [step.token_id for step in running] == free[2]


# Two rows


@pytest.mark.parametrize("config", [GREEDY, SAMPLED])
def test_strength_zero_gives_equal_rows_under_the_floor(decoder, prompts, config):
    zero = dict.fromkeys(WEIGHTS, 0.0)
    for prompt in prompts:
        first, second = rows(decoder, [prompt, prompt], [{}, zero], config)
        assert [step.token_id for step in first] == [step.token_id for step in second]
        assert all(step.kl == 0.0 and not any(step.pushes) for step in second)


@pytest.mark.parametrize("config", [GREEDY, SAMPLED])
def test_a_row_does_not_depend_on_its_neighbour(decoder, prompts, config):
    own = prompts[0]
    (alone,) = tokens(decoder, [own], [{}], config)
    for other in prompts[1:]:
        for weights in ({}, WEIGHTS):
            assert tokens(decoder, [own, other], [{}, weights], config)[0] == alone
            assert tokens(decoder, [other, own], [weights, {}], config)[1] == alone


def test_a_steered_row_does_not_depend_on_its_neighbour(decoder, prompts):
    (alone,) = tokens(decoder, [prompts[0]], [WEIGHTS], SAMPLED)
    for other in prompts[1:]:
        assert tokens(decoder, [other, prompts[0]], [{}, WEIGHTS], SAMPLED)[1] == alone


def test_opposite_weights_write_different_texts(decoder, prompts):
    there, back = tokens(decoder, [prompts[0]] * 2, [{"concise": 1.0}, {"concise": -1.0}], GREEDY)
    assert there != back


# Seeds


def test_same_seed_same_text(decoder, prompts):
    first, second = (tokens(decoder, prompts[:2], [{}, WEIGHTS], changed(SAMPLED, seed=7)) for _ in range(2))
    assert first == second


def test_other_seed_other_text(decoder, prompts):
    texts = {str(tokens(decoder, prompts[:1], [{}], changed(SAMPLED, seed=seed))) for seed in range(5)}
    assert len(texts) == 5


def test_a_greedy_text_has_no_seed(decoder, prompts):
    texts = {str(tokens(decoder, prompts[:1], [{}], changed(GREEDY, seed=seed))) for seed in range(3)}
    assert len(texts) == 1


def test_temperature_comes_after_guidance(decoder, prompts):
    (cold,), (warm,) = (
        rows(decoder, prompts[:1], [WEIGHTS], changed(SEEN_WHOLE, temperature=temperature))[0] for temperature in (0, 3)
    )
    assert distribution(cold) == pytest.approx(distribution(warm))
    assert cold.kl == warm.kl > 0


def test_draws_follow_the_steered_distribution_at_their_temperature(decoder, prompts):
    (step,) = rows(decoder, prompts[:1], [WEIGHTS], SEEN_WHOLE)[0]
    ids, logprobs = zip(*distribution(step).items(), strict=True)
    shares = np.exp(np.array(logprobs) / 0.6)
    shares /= shares.sum()
    best, draws = int(shares.argmax()), 400
    hits = 0
    for seed in range(draws):
        config = changed(SEEN_WHOLE, temperature=0.6, seed=seed, alternatives=0)
        hits += tokens(decoder, prompts[:1], [WEIGHTS], config) == [[ids[best]]]
    # Seeds are fixed, so this holds or fails for good; four standard deviations.
    assert abs(hits / draws - shares[best]) < 4 * math.sqrt(shares[best] * (1 - shares[best]) / draws)


def distribution(step):
    """Token id to log-probability of every candidate of the step."""
    return {step.token_id: step.logprob} | {one.token_id: one.logprob for one in step.alternatives}


# Ends


def test_the_token_limit_ends_with_length(decoder, prompts):
    for row in rows(decoder, prompts[:2], [{}, WEIGHTS], changed(GREEDY, max_new_tokens=3)):
        assert [step.ended for step in row] == [None, None, "length"]


def test_a_full_context_ends_with_length_and_only_the_row_it_concerns(parts, plain):
    long, short = [70] * (parts.model.context - 5), [70, 71]
    full, running = rows(plain, [long, short], [{}, {}], changed(GREEDY, max_new_tokens=20))
    assert (len(full), full[-1].ended) == (5, "length")
    assert len(running) == 20
    assert [step.token_id for step in running] == tokens(plain, [short], [{}], changed(GREEDY, max_new_tokens=20))[0]


def test_a_prompt_longer_than_the_context_is_refused(parts, decoder):
    with pytest.raises(ContextLengthError):
        next(decoder.stream([[70] * (parts.model.context + 3)], [{}], GREEDY))


def test_prompts_and_weights_must_match_in_number(decoder, prompts):
    with pytest.raises(ConfigError, match="2 prompts and 1 weights"):
        next(decoder.stream(prompts[:2], [{}], GREEDY))


def test_a_weight_without_a_head_is_refused(decoder, prompts):
    with pytest.raises(UnknownDimensionError):
        next(decoder.stream(prompts[:1], [{"loud": 1.0}], GREEDY))


# The budget


def test_no_token_spends_more_than_its_cap_and_no_answer_more_than_its_budget(decoder, prompts):
    config = changed(SAMPLED, kl_per_token=0.2, kl_per_answer=0.9, reward_scale=10.0)
    for row in rows(decoder, prompts, [{"concise": 1.0}] * len(prompts), config):
        spent = [step.kl for step in row]
        assert max(spent) <= 0.2 + 1e-9
        assert sum(spent) <= 0.9 + 1e-9
        assert sum(spent) > 0.5


def test_kl_rises_strictly_with_the_slider(decoder, prompts):
    spent = []
    for strength in (0.0, 0.25, 0.5, 1.0):
        weights = {name: strength * value for name, value in WEIGHTS.items()}
        config = changed(SEEN_WHOLE, alternatives=0)
        spent.append(sum(row[0].kl for row in rows(decoder, prompts, [weights] * len(prompts), config)))
    assert spent[0] == 0.0
    assert spent == sorted(set(spent))


# The trace


@pytest.fixture(params=[WEIGHTS, {"playful": 1.0}, {"concise": -1.0, "playful": 0.3}], ids=str)
def traced(request, parts, decoder, prompts):
    """A fully traced first step, with the odds pi_0 and the floor worked out from model and heads alone."""
    (step,) = rows(decoder, prompts[:1], [request.param], SEEN_WHOLE)[0]
    all_candidates = (step, *step.alternatives)
    state = parts.model.prefill(prompts[:1])
    ids = torch.tensor([[one.token_id for one in all_candidates]])
    floor = parts.heads.open([{}]).floor(state.hidden, ids)[0].double().numpy()
    base = state.logits[0, ids[0]].double().numpy()
    odds = np.exp(base + SAFETY * floor - (base + SAFETY * floor).max())
    return step, all_candidates, odds / odds.sum(), floor


def test_pushes_are_centred_under_the_floored_base(traced):
    _, candidates, odds, _ = traced
    pushes = np.array([one.pushes for one in candidates])
    assert odds @ pushes == pytest.approx(np.zeros(3), abs=1e-6)
    assert odds @ np.array([one.floor for one in candidates]) == pytest.approx(0, abs=1e-6)


def test_pushes_and_floor_add_up_to_the_whole_move(traced):
    _, candidates, _, _ = traced
    rest = [one.base_logprob + sum(one.pushes) + one.floor - one.logprob for one in candidates]
    assert rest == pytest.approx([rest[0]] * len(rest), abs=1e-5)


def test_what_a_step_spent_is_the_divergence_from_the_floored_base(traced):
    step, candidates, odds, _ = traced
    logprobs = np.array([one.logprob for one in candidates])
    assert np.exp(logprobs).sum() == pytest.approx(1)
    assert np.exp(logprobs) @ (logprobs - np.log(odds)) == pytest.approx(step.kl, abs=1e-5)
    assert step.kl > 0


def test_a_push_against_the_floor_never_lowers_what_is_expected_of_it(traced):
    _, candidates, odds, floor = traced
    moved = np.array([one.logprob for one in candidates]) - np.log(odds)
    centred = floor - odds @ floor
    assert odds @ (moved * centred) >= -1e-5


def test_alternatives_are_the_best_tokens_that_were_not_chosen(decoder, prompts):
    (whole,) = rows(decoder, prompts[:1], [WEIGHTS], SEEN_WHOLE)[0]
    (step,) = rows(decoder, prompts[:1], [WEIGHTS], changed(SEEN_WHOLE, alternatives=4))[0]
    assert step.alternatives == whole.alternatives[:4]
    chances = [step.logprob, *(one.logprob for one in step.alternatives)]
    assert chances == sorted(chances, reverse=True)


def test_the_base_chance_of_a_token_is_over_the_whole_vocabulary(parts, decoder, prompts):
    (step,) = rows(decoder, prompts[:1], [WEIGHTS], SEEN_WHOLE)[0]
    expected = torch.log_softmax(parts.model.prefill(prompts[:1]).logits[0], -1)
    for one in (step, *step.alternatives):
        assert one.base_logprob == pytest.approx(float(expected[one.token_id]), abs=1e-4)


# Settings


@pytest.mark.parametrize(
    "name", ["temperature", "min_p", "min_p_end", "reward_scale", "kl_per_token", "kl_per_answer"]
)  # fmt: skip
@pytest.mark.parametrize("value", [math.nan, -0.1, -math.inf])
def test_settings_refuse_what_is_no_number_or_below_zero(name, value):
    with pytest.raises(ConfigError, match=name):
        DecodingConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("temperature", 5.1), ("min_p", 1.1), ("min_p_end", 1.1), ("max_new_tokens", 0), ("seed", -1), ("seed", 2**63)],
)
def test_settings_refuse_what_is_out_of_range(name, value):
    with pytest.raises(ConfigError, match=name):
        DecodingConfig(**{name: value})
