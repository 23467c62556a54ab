"""Laws of rows that fork: each branch is learned as if it stood alone, by its odds where branches part."""

from __future__ import annotations

import random

import pytest
import torch

from palign.dimensions import CATALOGUE
from palign.prompts import messages
from palign.training.batches import IGNORED, Batch, chat_pool, encode_example, encode_fork
from palign.training.dialogues import Example, Fork
from palign.training.heads import Lessons, fit_heads
from palign.training.language import answer_loss
from palign.training.recipe import Recipe
from palign.training.states import answer_states, collect_forks


def batch_of(row):
    """One row as a batch."""
    parts = (row.token_ids, row.labels, row.branches, row.positions, row.weights)
    return Batch(*(torch.tensor([part]) for part in parts))


@pytest.fixture
def fork():
    branches = (" Simmer it gently for an hour.", " Simmer it fast.", "")
    return Fork(
        messages("How do I cook beans?"), "Soak them first.", branches, (1.0, 0.5, 0.25), ("tip", "plain", "end")
    )


def test_a_branch_counts_as_much_as_its_odds_until_it_has_parted_from_all_others(fork, tokenizer):
    row = encode_fork(fork, tokenizer)
    first, second, end = ([i for i, number in enumerate(row.branches) if number == k][1:] for k in (1, 2, 3))
    shared = sum(row.token_ids[i] == row.token_ids[j] for i, j in zip(first, second, strict=False))
    assert shared >= 1
    assert [row.weights[i] for i in second] == [0.5] * (shared + 1) + [1.0] * (len(second) - shared - 1)
    assert [row.labels[i] for i in end] == [tokenizer.eos_token_id]
    assert [row.weights[i] for i in end] == [0.25]
    assert tokenizer.eos_token_id not in [row.labels[i] for i in (*first, *second)], "more may follow a line"
    assert all(label == IGNORED for label, number in zip(row.labels, row.branches, strict=True) if number == 0)


def test_the_loss_of_a_fork_is_that_of_its_branches_each_alone(fork, tiny, tokenizer):
    row = encode_fork(fork, tokenizer)
    total, _ = answer_loss(tiny, batch_of(row))
    prompt = [token for token, number in zip(row.token_ids, row.branches, strict=True) if number == 0]
    alone = torch.zeros(())
    for k in range(1, len(fork.branches) + 1):
        own = [i for i, number in enumerate(row.branches) if number == k]
        ids = torch.tensor([prompt + [row.token_ids[i] for i in own]])
        logits = tiny(input_ids=ids).logits[0, len(prompt) : -1]
        losses = torch.nn.functional.cross_entropy(logits, ids[0, len(prompt) + 1 :], reduction="none")
        alone += (losses * torch.tensor([row.weights[i] for i in own[1:]])).sum()
    torch.testing.assert_close(total, alone)


def test_a_beginning_and_a_branch_are_the_tokens_of_the_text_they_make(tokenizer, sampler):
    def encode(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    rng = random.Random("seams")
    for _ in range(200):
        drawn = sampler.fork(rng)
        for branch in drawn.branches:
            assert [*encode(drawn.given), *encode(branch)] == encode(drawn.given + branch)


def test_a_fork_offers_different_branches_and_odds_for_each(sampler):
    rng = random.Random("forks")
    for _ in range(200):
        drawn = sampler.fork(rng)
        assert len(drawn.branches) == len(set(drawn.branches)) == len(drawn.odds)
        assert len(drawn.branches) >= 8
        assert min(drawn.odds) > 0


def test_the_states_of_a_fork_are_those_of_each_branch_alone(fork, tiny, tokenizer):
    (found,) = collect_forks(tiny, tokenizer, [fork], total=1)
    assert found.branches.unique().tolist() == [0, 1, 2]
    prompt, _ = encode_example(Example(fork.prompt, "", {}, "", fork.given), tokenizer)
    for k, branch in enumerate(fork.branches):
        own = found.branches == k
        answer = [*tokenizer(branch, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        hidden, tokens = answer_states(tiny, prompt, answer)
        n = int(own.sum())
        assert found.tokens[own].tolist() == tokens[:n].tolist()
        torch.testing.assert_close(found.hidden[own].float(), hidden[:n], atol=0.03, rtol=0.03)


def test_heads_learn_from_forks_what_a_stance_makes_more_likely(tiny, tokenizer, sampler):
    rng = random.Random("taught")
    seen = collect_forks(tiny, tokenizer, [sampler.fork(rng) for _ in range(40)], total=40)
    names, embeddings = list(CATALOGUE), tiny.lm_head.weight.detach()
    up, down = fit_heads(embeddings, Lessons(forks=seen), names, Recipe(head_rank=8, head_steps=800))

    def gain(sign):
        """How much likelier the technical line's first token is for a push to or away from it."""
        gains = []
        for states in seen:
            if states.fork.said or "technical" not in states.fork.choices:
                continue
            at = int((states.branches == states.fork.choices.index("technical")).nonzero()[0, 0])
            hidden = states.hidden[at].float()
            pushed = hidden + sign * (hidden @ down[names.index("plain")]) @ up[names.index("plain")].T
            odds = ((one @ embeddings.T).log_softmax(-1)[states.tokens[at]] for one in (pushed, hidden))
            gains.append(float(next(odds) - next(odds)))
        return sum(gains) / len(gains)

    assert gain(-1.0) > 0 > gain(1.0), (gain(-1.0), gain(1.0))


def test_every_process_takes_its_rows_of_all_parts_of_a_batch(tokenizer, sampler):
    forks = [
        batch
        for batch in chat_pool(sampler, tokenizer, seed=1, longest=448, batch=2048)(0)
        if batch.branches is not None
    ]
    assert forks
    half = forks[0].rows(slice(0, None, 2))
    for part in ("token_ids", "labels", "branches", "positions", "weights"):
        assert torch.equal(getattr(half, part), getattr(forks[0], part)[::2])
