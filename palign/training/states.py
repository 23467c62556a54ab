"""Hidden states of teacher-forced answers, cached once so that heads train without running the trunk again.

Knows the base model and examples, not what is learned from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from tqdm import tqdm
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from palign.training.batches import encode_example, encode_fork
from palign.training.dialogues import Example, Fork
from palign.training.language import fork_mask

__all__ = ["ForkStates", "States", "answer_states", "collect_forks", "collect_states"]


@dataclass(frozen=True, slots=True)
class States:
    """N kept tokens: `hidden` (N, H) bfloat16, `tokens` (N,) int64, `stances` (N, D) float32, `weights` (N,) float32.

    `weights` make up for tokens left out: where the base is sure there is little to learn, so few of those are kept.
    `teachers` (N, H) bfloat16 are the states at the same tokens after a prompt that words the stance, where one was
    given.
    """

    hidden: Tensor
    tokens: Tensor
    stances: Tensor
    weights: Tensor
    teachers: Tensor | None = None


@dataclass(frozen=True, slots=True)
class ForkStates:
    """A fork's tokens by which its branches part: `hidden` (N, H) bfloat16 before each, `tokens`, `branches` (N,)."""

    fork: Fork
    hidden: Tensor
    tokens: Tensor
    branches: Tensor


@torch.no_grad()  # not inference mode: the floor is fitted by gradients on these very tensors
def answer_states(model: LlamaForCausalLM, prompt: Sequence[int], answer: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Hidden (T, H) before each answer token, after the final norm, and the answer's ids (T,)."""
    with torch.autocast("cpu", torch.bfloat16):
        hidden = model.model(input_ids=torch.tensor([[*prompt, *answer[:-1]]])).last_hidden_state[0]
    return hidden[len(prompt) - 1 :].float(), torch.tensor(list(answer))


@torch.no_grad()
def collect_forks(
    model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerBase, forks: Iterable[Fork], *, total: int
) -> list[ForkStates]:
    """Run the trunk once over each fork with all its branches."""
    found = []
    for fork in tqdm(forks, total=total, desc="forks", mininterval=5):
        row = encode_fork(fork, tokenizer)
        branches = torch.tensor(row.branches)
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.model(
                input_ids=torch.tensor([row.token_ids]),
                position_ids=torch.tensor([row.positions]),
                attention_mask=fork_mask(branches[None]),
            ).last_hidden_state[0]
        at = torch.tensor(row.choosing).nonzero()[:, 0]
        found.append(ForkStates(fork, hidden[at - 1].bfloat16(), torch.tensor(row.labels)[at], branches[at] - 1))
    return found


def collect_states(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    examples: Iterable[Example],
    dimensions: Sequence[str],
    *,
    total: int,
    sure: float = 0.9,
    keep: float = 0.15,
    seed: int = 0,
) -> States:
    """Run the trunk over `examples`; of tokens where the base's best exceeds `sure`, keep only a share of `keep`.

    Examples with a `worded` prompt are read after that as well; then all of them must have one.
    """
    generator = torch.Generator().manual_seed(seed)
    hidden, tokens, stances, weights, teachers = [], [], [], [], []
    for example in tqdm(examples, total=total, desc="hidden states", mininterval=5):
        prompt, answer = encode_example(example, tokenizer)
        states, ids = answer_states(model, prompt, answer)
        certain = _best_probability(model, states) > sure
        kept = ~certain | (torch.rand(len(ids), generator=generator) < keep)
        if example.worded:
            taught, _ = answer_states(model, *encode_example(replace(example, prompt=example.worded), tokenizer))
            teachers.append(taught[kept].bfloat16())
        hidden.append(states[kept].bfloat16())
        tokens.append(ids[kept])
        weights.append(torch.where(certain[kept], 1 / keep if keep else 0.0, 1.0))
        row = torch.tensor([example.stance.get(name, 0.0) for name in dimensions])
        stances.append(row.expand(int(kept.sum()), -1))
    taught_by = torch.cat(teachers) if teachers else None
    return States(torch.cat(hidden), torch.cat(tokens), torch.cat(stances), torch.cat(weights), taught_by)


@torch.inference_mode()
def _best_probability(model: LlamaForCausalLM, hidden: Tensor) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        logits = model.lm_head(hidden).float()
    return torch.exp(logits.max(-1).values - logits.logsumexp(-1))
