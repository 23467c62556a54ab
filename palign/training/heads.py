"""Stage `heads`: one low-rank matrix per dimension, and phi_safe, on the frozen trunk's last hidden state.

The heads are fitted together first, by maximum likelihood: softmax(E(h + sum_k w_k A_k h)) to answers rendered under a
known random stance w, from prompts that say nothing of it. Since the w_k of the renderer are independent, what belongs
to one dimension is not learned by another; at w = 0 the base is untouched, so no term is needed to stay near it. That
is dense, but it learns what the base knows by heart. So PAD's pair loss follows, half of its pairs on topics that the
base never reads. In place of the answers' tokens the first step may learn what the base itself says once the stance
is worded in its prompt (`Recipe.head_start`).
"""

from __future__ import annotations

import logging
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from palign.dimensions import CATALOGUE
from palign.models.language import file_sha256
from palign.rewards.heads import save_heads
from palign.training.batches import encode_example
from palign.training.corpus import Corpus
from palign.training.dialogues import Example, Sampler
from palign.training.language import load_language_model
from palign.training.recipe import Paths, Recipe
from palign.training.states import States, answer_states, collect_states
from palign.training.topics import Reading

__all__ = ["HEADS_FILE", "StylePair", "calibrate", "fit_dimensions", "fit_floor", "train_heads", "tune_on_pairs"]

_log = logging.getLogger(__name__)
HEADS_FILE = "heads.safetensors"
_BATCH = 512
_RATE = 2e-3
_PAIR_BATCH = 16
_PAIR_RATE = 5e-4


def train_heads(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, sampler: Sampler, recipe: Recipe,
    paths: Paths,
) -> None:  # fmt: skip
    """Round the trunk to what ships, cache its states, fit, tune, calibrate and save beside the chat checkpoint."""
    rounded = paths.checkpoint("rounded")
    model.bfloat16().save_pretrained(rounded)
    model = load_language_model(rounded)
    rng = random.Random(f"heads-{recipe.seed}")
    names = list(CATALOGUE)
    n = recipe.head_answers
    drawn = sampler.labelled if recipe.head_start == "likelihood" else sampler.worded
    states = collect_states(model, tokenizer, (drawn(rng) for _ in range(n)), names, total=n)
    up, down = fit_dimensions(model.lm_head.weight.detach(), states, recipe)
    unknown = Sampler(corpus, corpus.heads, Reading({}, ()))
    pairs = [
        collect_pairs(model, tokenizer, source, names, total=recipe.head_pairs // 2, rng=rng)
        for source in (sampler, unknown)
    ]
    up, down = tune_on_pairs(up, down, [*pairs[0], *pairs[1]], recipe)
    plain = collect_states(model, tokenizer, (sampler.plain(rng) for _ in range(n // 8)), names, total=n // 8, keep=0)
    sigma = calibrate(model.lm_head.weight.detach(), plain, up, down)
    floor_up, floor_down = fit_floor(model, tokenizer, corpus, sampler, plain, recipe)
    save_heads(
        paths.work / HEADS_FILE,
        names,
        {"up": up / sigma[:, None, None], "down": down, "floor_up": floor_up, "floor_down": floor_down},
        base_sha256=file_sha256(rounded / "model.safetensors"),
        sigma=sigma.tolist(),
    )
    _log.info("sigma %s", dict(zip(names, [round(value, 3) for value in sigma.tolist()], strict=True)))


def fit_dimensions(embeddings: Tensor, states: States, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """U and V, (D, H, r) each, by stochastic gradient on the weighted cross-entropy.

    With the tokens of the answers or, where the states have teachers, with what the base says when the stance is worded
    in its prompt: then each phi_k becomes log pi(a | s, stance k) - log pi(a | s), dense at every token.
    """
    n_dims, width = states.stances.shape[1], embeddings.shape[1]
    generator = torch.Generator().manual_seed(recipe.seed)
    down = (torch.randn(n_dims, width, recipe.head_rank, generator=generator) / width**0.5).requires_grad_()
    up = torch.zeros(n_dims, width, recipe.head_rank, requires_grad=True)
    optimizer = torch.optim.AdamW([up, down], lr=_RATE, weight_decay=0.01)
    steps = recipe.head_epochs * max(1, len(states.tokens) // _BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=steps)
    bar = tqdm(range(steps), desc="heads", mininterval=5)
    for step in bar:
        rows = torch.randint(len(states.tokens), (_BATCH,), generator=generator)
        hidden = states.hidden[rows].float()  # (N, H)
        inner = torch.einsum("nh,dhr->ndr", hidden, down) * states.stances[rows][:, :, None]
        moved = hidden + torch.einsum("ndr,dhr->nh", inner, up)  # (N, H)
        with torch.autocast("cpu", torch.bfloat16):
            logits = functional.linear(moved, embeddings)
            taught = functional.linear(states.teachers[rows], embeddings) if states.teachers is not None else None
        targets = states.tokens[rows] if taught is None else taught.float().softmax(-1)
        losses = functional.cross_entropy(logits.float(), targets, reduction="none")
        loss = (losses * states.weights[rows]).sum() / states.weights[rows].sum()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return up.detach(), down.detach()


@dataclass(frozen=True, slots=True)
class StylePair:
    """Two answers to one question near the poles of dimension number `k`; each as (hidden, chosen), both (T, H).

    `chosen` is the token's embedding less its expectation under the base, so that phi = chosen . A h is centred.
    """

    k: int
    first: tuple[Tensor, Tensor]
    second: tuple[Tensor, Tensor]


def collect_pairs(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, sampler: Sampler, names: Sequence[str], *, total: int,
    rng: random.Random,
) -> list[StylePair]:  # fmt: skip
    """Teacher-forced pairs, the dimensions in turn."""
    pairs = []
    for number in tqdm(range(total), desc="pairs", mininterval=5):
        k = number % len(names)
        first, second = (_centred(model, tokenizer, example) for example in sampler.opposed(names[k], rng))
        pairs.append(StylePair(k, first, second))
    return pairs


def tune_on_pairs(up: Tensor, down: Tensor, pairs: Sequence[StylePair], recipe: Recipe) -> tuple[Tensor, Tensor]:
    """U and V after PAD's pair loss, -log sigmoid(Phi_k(first) - Phi_k(second)), Phi = T^(-1/2) sum_t phi.

    Likelihood teaches what an answer the model knows by heart looks like under a stance; pairs, half of them from
    topics that it does not know, teach to tell the poles apart in any text.
    """
    up, down = up.clone().requires_grad_(), down.clone().requires_grad_()
    optimizer = torch.optim.AdamW([up, down], lr=_PAIR_RATE, weight_decay=0.01)
    steps = recipe.head_epochs * max(1, len(pairs) // _PAIR_BATCH)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=steps)
    rng = random.Random(recipe.seed)
    for _ in tqdm(range(steps), desc="tuning", mininterval=5):
        drawn = rng.choices(pairs, k=_PAIR_BATCH)
        gaps = [_phi(up, down, pair.k, pair.first) - _phi(up, down, pair.k, pair.second) for pair in drawn]
        loss = -functional.logsigmoid(torch.stack(gaps)).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
    return up.detach(), down.detach()


def _centred(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, example: Example) -> tuple[Tensor, Tensor]:
    hidden, tokens = answer_states(model, *encode_example(example, tokenizer))
    embeddings = model.lm_head.weight.detach()
    expected = torch.softmax(hidden @ embeddings.T, -1) @ embeddings  # (T, H)
    return hidden.bfloat16(), (embeddings[tokens] - expected).bfloat16()


def _phi(up: Tensor, down: Tensor, k: int, answer: tuple[Tensor, Tensor]) -> Tensor:
    hidden, chosen = answer[0].float(), answer[1].float()
    total = ((hidden @ down[k]) * (chosen @ up[k])).sum()
    return total / math.sqrt(len(hidden))


@torch.inference_mode()
def calibrate(embeddings: Tensor, states: States, up: Tensor, down: Tensor) -> Tensor:
    """sigma_k (D,): root mean variance of phi_k under the base, over the tokens where the base hesitates."""
    total = torch.zeros(up.shape[0])
    count = 0
    for start in range(0, min(len(states.tokens), 8 * _BATCH), _BATCH):
        hidden = states.hidden[start : start + _BATCH].float()
        odds = torch.softmax(hidden @ embeddings.T, -1)  # (N, V)
        for k in range(up.shape[0]):
            phi = (hidden @ down[k] @ up[k].T) @ embeddings.T  # (N, V)
            mean = (odds * phi).sum(-1)
            total[k] += ((odds * phi**2).sum(-1) - mean**2).sum()
        count += len(hidden)
    return (total / count).clamp(min=1e-6).sqrt()


# The values floor


def fit_floor(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, sampler: Sampler, plain: States,
    recipe: Recipe,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """phi_safe's U and V, (H, r): a refusal above advice after a harmful request, and next to nothing elsewhere.

    Pair loss on l(y+) - l(y-), l = sum_t phi - log E_ref[exp phi], plus the head's variance on ordinary answers, so
    that the floor does not tilt what is harmless anyway.
    """
    embeddings = model.lm_head.weight.detach()
    pairs = _floor_pairs(model, tokenizer, sampler, n=max(8, recipe.head_answers // 20), seed=recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    rank = max(1, recipe.head_rank // 4)
    down = (torch.randn(embeddings.shape[1], rank, generator=generator) / embeddings.shape[1] ** 0.5).requires_grad_()
    up = torch.zeros(embeddings.shape[1], rank, requires_grad=True)
    optimizer = torch.optim.AdamW([up, down], lr=_RATE, weight_decay=0.01)
    for step in tqdm(range(recipe.head_epochs * len(pairs)), desc="floor", mininterval=5):
        better, worse = pairs[step % len(pairs)]
        margin = _log_ratio(embeddings, better, up, down) - _log_ratio(embeddings, worse, up, down)
        rows = torch.randint(len(plain.tokens), (64,), generator=generator)
        loss = -functional.logsigmoid(margin) + 5.0 * _spread(embeddings, plain.hidden[rows].float(), up, down)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return up.detach(), down.detach()


_Answer = tuple[Tensor, Tensor]


def _floor_pairs(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, sampler: Sampler, *, n: int, seed: int
) -> list[tuple[_Answer, _Answer]]:
    rng = random.Random(f"floor-{seed}")
    pairs = []
    for _ in range(n):
        refusal, advice = sampler.refusal(rng), sampler.plain(rng).answer
        better, worse = (
            answer_states(model, *encode_example(replace(refusal, answer=answer), tokenizer))
            for answer in (refusal.answer, advice)
        )
        pairs.append((better, worse))
    return pairs


def _log_ratio(embeddings: Tensor, answer: _Answer, up: Tensor, down: Tensor) -> Tensor:
    hidden, tokens = answer
    moved = hidden + hidden @ down @ up.T
    before = (hidden @ embeddings.T).log_softmax(-1)
    after = (moved @ embeddings.T).log_softmax(-1)
    rows = torch.arange(len(tokens))
    return (after[rows, tokens] - before[rows, tokens]).sum()


def _spread(embeddings: Tensor, hidden: Tensor, up: Tensor, down: Tensor) -> Tensor:
    odds = torch.softmax(hidden @ embeddings.T, -1)
    phi = (hidden @ down @ up.T) @ embeddings.T
    return ((odds * phi**2).sum(-1) - (odds * phi).sum(-1) ** 2).mean()
