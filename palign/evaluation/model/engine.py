"""How far the engine that decodes agrees with one fp32 pass over the same text. Knows no judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from palign.models.language import LanguageModel

__all__ = ["Agreement", "agreement"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """`top1` is the share of tokens for which both name the same best; `nll` nats a token, the engine's and fp32's."""

    tokens: int
    top1: float
    nll: float
    nll_fp32: float

    @property
    def nll_gap(self) -> float:
        """By how much of fp32's NLL the engine's differs."""
        return abs(self.nll / self.nll_fp32 - 1)


def agreement(model: LanguageModel, texts: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Agreement:
    """Each (prompt, answer) once as it is decoded, rows together, token by token, and once in a single fp32 pass."""
    if not texts:
        return Agreement(0, 0.0, 0.0, 1.0)
    engine = _decoded(model, texts)
    same = tokens = 0
    nll = nll_fp32 = 0.0
    for (prompt, answer), decoded in zip(texts, engine, strict=True):
        _, whole = model.hidden_states(prompt, answer)  # (T, V)
        same += int((decoded.argmax(-1) == whole.argmax(-1)).sum())
        tokens += len(answer)
        nll += _nll(decoded, answer)
        nll_fp32 += _nll(whole, answer)
    return Agreement(tokens, same / tokens, nll / tokens, nll_fp32 / tokens)


def _decoded(model: LanguageModel, texts: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Tensor]:
    """(T, V) logits of each row; rows that have ended are fed their last token on."""
    state = model.prefill([prompt for prompt, _ in texts])
    steps = [state.logits]
    for i in range(max(len(answer) for _, answer in texts) - 1):
        state = model.step(state, [answer[min(i, len(answer) - 1)] for _, answer in texts])
        steps.append(state.logits)
    logits = torch.stack(steps, dim=1)  # (B, T, V)
    return [logits[row, : len(answer)] for row, (_, answer) in enumerate(texts)]


def _nll(logits: Tensor, answer: Sequence[int]) -> float:
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(list(answer)), reduction="sum"))
