"""Stage `heads`: one low-rank matrix per dimension, and phi_safe, on the frozen trunk's last hidden state.

softmax(E(h + sum_k w_k A_k h)) is fitted to what is said under a stance w, from prompts that say nothing of it. Since
the w_k of the renderer are independent, what belongs to one dimension is not learned by another; at w = 0 the base is
untouched, so no term is needed to stay near it. Up to three lessons are learned together: answers rendered under a
known random stance, token by token, or what the base itself says where the stance is worded in its prompt; forks, where
all that may come next is known with its odds under any stance; and PAD's pairs of whole answers, half of them on topics
that the base never reads, which teach to tell the poles apart in text that it does not know by heart.
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
from palign.training.render import random_stance
from palign.training.states import ForkStates, States, answer_states, collect_forks, collect_states
from palign.training.topics import Reading

__all__ = ["HEADS_FILE", "Lessons", "StylePair", "calibrate", "fit_floor", "fit_heads", "train_heads"]

_log = logging.getLogger(__name__)
HEADS_FILE = "heads.safetensors"
_BATCH = 384
_FORKS = 32
_PAIRS = 24
_RATE = 2e-3
_DECAY = 0.1
_FORK_SHARE, _PAIR_SHARE = 1.0, 0.3  # of each lesson's loss, beside that of single tokens


@dataclass(frozen=True, slots=True)
class StylePair:
    """Two answers to one question near the poles of dimension number `k`; each as (hidden, chosen), both (T, H).

    `chosen` is the token's embedding less its expectation under the base, so that phi = chosen . A h is centred.
    """

    k: int
    first: tuple[Tensor, Tensor]
    second: tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class Lessons:
    """What heads are fitted to; what is not there is not learned."""

    states: States | None = None
    forks: Sequence[ForkStates] = ()
    pairs: Sequence[StylePair] = ()


def train_heads(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, sampler: Sampler, recipe: Recipe,
    paths: Paths,
) -> None:  # fmt: skip
    """Round the trunk to what ships, cache its states, fit, calibrate and save beside the chat checkpoint."""
    rounded = paths.checkpoint("rounded")
    model.bfloat16().save_pretrained(rounded)
    model = load_language_model(rounded)
    rng = random.Random(f"heads-{recipe.seed}")
    names = list(CATALOGUE)
    lessons = _lessons(model, tokenizer, corpus, sampler, recipe, rng)
    embeddings = model.lm_head.weight.detach()
    up, down = fit_heads(embeddings, lessons, names, recipe)
    n = recipe.head_answers // 8
    plain = collect_states(model, tokenizer, (sampler.plain(rng) for _ in range(n)), names, total=n, keep=0)
    sigma = calibrate(embeddings, plain, up, down)
    floor_up, floor_down = fit_floor(model, tokenizer, corpus, sampler, plain, recipe)
    save_heads(
        paths.work / HEADS_FILE,
        names,
        {"up": up / sigma[:, None, None], "down": down, "floor_up": floor_up, "floor_down": floor_down},
        base_sha256=file_sha256(rounded / "model.safetensors"),
        sigma=sigma.tolist(),
    )
    _log.info("sigma %s", dict(zip(names, [round(value, 3) for value in sigma.tolist()], strict=True)))


def _lessons(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, corpus: Corpus, sampler: Sampler, recipe: Recipe,
    rng: random.Random,
) -> Lessons:  # fmt: skip
    names, n = list(CATALOGUE), recipe.head_answers
    states = None
    if "likelihood" in recipe.head_lessons or "distillation" in recipe.head_lessons:
        drawn = sampler.worded if "distillation" in recipe.head_lessons else sampler.labelled
        states = collect_states(model, tokenizer, (drawn(rng) for _ in range(n)), names, total=n)
    n = recipe.head_forks if "forks" in recipe.head_lessons else 0
    forks = collect_forks(model, tokenizer, (sampler.fork(rng) for _ in range(n)), total=n)
    pairs = []
    if "pairs" in recipe.head_lessons:
        for source in (sampler, Sampler(corpus, corpus.heads, Reading({}, ()))):
            pairs += collect_pairs(model, tokenizer, source, names, total=recipe.head_pairs // 2, rng=rng)
    return Lessons(states, forks, pairs)


def fit_heads(embeddings: Tensor, lessons: Lessons, names: Sequence[str], recipe: Recipe) -> tuple[Tensor, Tensor]:
    """U and V, (D, H, r) each, by stochastic gradient on all lessons at once."""
    width = embeddings.shape[1]
    generator = torch.Generator().manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    down = (torch.randn(len(names), width, recipe.head_rank, generator=generator) / width**0.5).requires_grad_()
    up = torch.zeros(len(names), width, recipe.head_rank, requires_grad=True)
    optimizer = torch.optim.AdamW([up, down], lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.03, total_iters=recipe.head_steps)
    bar = tqdm(range(recipe.head_steps), desc="heads", mininterval=5)
    for step in bar:
        losses = {}
        if lessons.states is not None:
            losses["tokens"] = _token_loss(embeddings, up, down, lessons.states, generator)
        if lessons.forks:
            losses["forks"] = _FORK_SHARE * _fork_loss(
                embeddings, up, down, rng.choices(lessons.forks, k=_FORKS), names, rng
            )
        if lessons.pairs:
            losses["pairs"] = _PAIR_SHARE * _pair_loss(up, down, rng.choices(lessons.pairs, k=_PAIRS))
        optimizer.zero_grad()
        torch.autograd.backward(torch.stack(list(losses.values())).sum())
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            bar.set_postfix({name: f"{loss.item():.3f}" for name, loss in losses.items()})
    return up.detach(), down.detach()


def _token_loss(embeddings: Tensor, up: Tensor, down: Tensor, states: States, generator: torch.Generator) -> Tensor:
    """Weighted cross-entropy with the tokens said under each stance or, where the states have teachers, with theirs.

    With teachers each phi_k becomes log pi(a | s, stance k) - log pi(a | s), dense at every token.
    """
    rows = torch.randint(len(states.tokens), (_BATCH,), generator=generator)
    logits = _logits(embeddings, up, down, states.hidden[rows].float(), states.stances[rows])
    targets = states.tokens[rows]
    if states.teachers is not None:
        with torch.autocast("cpu", torch.bfloat16):
            targets = functional.linear(states.teachers[rows], embeddings).float().softmax(-1)
    losses = functional.cross_entropy(logits, targets, reduction="none")
    return (losses * states.weights[rows]).sum() / states.weights[rows].sum()


def _fork_loss(
    embeddings: Tensor, up: Tensor, down: Tensor, forks: Sequence[ForkStates], names: Sequence[str], rng: random.Random
) -> Tensor:
    """Mean over forks of the expected cross-entropy of a branch drawn by its odds under a stance drawn at random."""
    odds, stances = [], []
    for states in forks:
        stance = _one_sided(names, rng) if rng.random() < 0.5 else random_stance(rng)
        odds.append(torch.tensor(states.fork.odds_under(stance))[states.branches])
        stances.append(torch.tensor([[stance[name] for name in names]]).expand(len(states.tokens), -1))
    hidden = torch.cat([states.hidden for states in forks]).float()
    logits = _logits(embeddings, up, down, hidden, torch.cat(stances))
    losses = functional.cross_entropy(logits, torch.cat([states.tokens for states in forks]), reduction="none")
    return (losses * torch.cat(odds)).sum() / len(forks)


def _one_sided(names: Sequence[str], rng: random.Random) -> dict[str, float]:
    return {**dict.fromkeys(names, 0.0), rng.choice(names): rng.choice((-1, 1)) * rng.uniform(0.6, 1)}


def _pair_loss(up: Tensor, down: Tensor, pairs: Sequence[StylePair]) -> Tensor:
    """PAD's -log sigmoid(Phi_k(first) - Phi_k(second)), Phi = T^(-1/2) sum_t phi."""
    gaps = [_phi(up, down, pair.k, pair.first) - _phi(up, down, pair.k, pair.second) for pair in pairs]
    return -functional.logsigmoid(torch.stack(gaps)).mean()


def _logits(embeddings: Tensor, up: Tensor, down: Tensor, hidden: Tensor, stances: Tensor) -> Tensor:
    """(N, V) of states (N, H) under stances (N, D)."""
    inner = torch.einsum("nh,dhr->ndr", hidden, down) * stances[:, :, None]
    moved = hidden + torch.einsum("ndr,dhr->nh", inner, up)
    with torch.autocast("cpu", torch.bfloat16):
        return functional.linear(moved, embeddings).float()


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
    for step in tqdm(range(recipe.floor_steps), desc="floor", mininterval=5):
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
