"""The loop: B rows in one batch, each with its own prompt, weights, seed and end, steered token by token.

Knows token ids and rewards, not text, memories or preferences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from palign.config import DecodingConfig
from palign.decoding.steering import Steered, candidates, steer, turn_cap
from palign.models.language import DecodeState, LanguageModel
from palign.rewards.heads import RewardSource, RewardStream
from palign.schema import ConfigError

__all__ = ["DecodingStep", "GuidedDecoder", "StepAlternative"]


@dataclass(frozen=True, slots=True)
class StepAlternative:
    """A candidate that was not chosen; `pushes` (D,) nats, centred."""

    token_id: int
    base_logprob: float
    logprob: float
    pushes: tuple[float, ...]
    floor: float


@dataclass(frozen=True, slots=True)
class DecodingStep:
    """One token of one row.

    `base_logprob` is log pi_b over the full vocabulary, `logprob` log pi_w over the candidates, before temperature.
    `pushes` (D,) are b_s w_k phi~_k in nats, centred under pi_0, in the source's order of dimensions; `floor` likewise.
    `ended` says why the row ends with this token, if it does; a token that ends it with "stop" is no part of the text.
    """

    row: int
    token_id: int
    base_logprob: float
    logprob: float
    pushes: tuple[float, ...]
    floor: float
    kl: float
    alternatives: tuple[StepAlternative, ...]
    ended: Literal["stop", "length"] | None


@dataclass(slots=True)
class _Row:
    """What one row carries from token to token."""

    index: int
    generator: np.random.Generator
    cap: float
    budget: float
    room: int
    length: int = 0
    live: bool = True


class GuidedDecoder:
    """Steers a language model by a reward source."""

    def __init__(self, model: LanguageModel, source: RewardSource, *, safety_weight: float) -> None:
        """`safety_weight` is the constant of the values floor; only a test passes 0."""
        self._model = model
        self._source = source
        self._safety = safety_weight

    @property
    def steered(self) -> tuple[str, ...]:
        """The dimensions that weights can move answers in."""
        return self._source.steered

    def stream(
        self, prompts: Sequence[Sequence[int]], weights: Sequence[Mapping[str, float]], config: DecodingConfig
    ) -> Iterator[tuple[DecodingStep, ...]]:
        """Decode B rows together; yields the live rows' steps, one tuple a token, until every row has ended.

        Args:
            prompts: B lists of token ids, of any lengths.
            weights: B mappings of dimension to w, strength folded in; an empty one is the unsteered model.

        A row ends with "length" after `max_new_tokens`, or earlier where the model's context is full.
        """
        if len(prompts) != len(weights):
            raise ConfigError(f"{len(prompts)} prompts and {len(weights)} weights.", hint="Give one w for each prompt.")
        rewards = self._source.open(weights)
        rooms = [min(config.max_new_tokens, self._model.context - len(prompt)) for prompt in prompts]
        rows = [_new_row(index, *given, config) for index, given in enumerate(zip(weights, rooms, strict=True))]
        state = self._model.prefill(prompts)
        while True:
            steps = self._advance(state, rewards, rows, config)
            yield steps
            if not any(row.live for row in rows):
                return
            chosen = {step.row: step.token_id for step in steps}
            # An ended row goes on with token 0 to keep the batch's shape; nothing reads what it yields.
            state = self._model.step(state, [chosen.get(row.index, 0) for row in rows])

    def _advance(
        self, state: DecodeState, rewards: RewardStream, rows: Sequence[_Row], config: DecodingConfig
    ) -> tuple[DecodingStep, ...]:
        logits = state.logits.numpy()
        ends = self._model.stop_ids
        kept = [candidates(logits[row.index], config.min_p, ends=ends, min_p_end=config.min_p_end) for row in rows]
        width = max(len(ids) for ids in kept)
        padded = torch.tensor(np.stack([np.pad(ids, (0, width - len(ids)), mode="edge") for ids in kept]))  # (B, K)
        with torch.inference_mode():
            phi = rewards.explain(state.hidden, padded).double().numpy()  # (B, K, D)
            push = rewards.push(state.hidden, padded).double().numpy()  # (B, K)
            floor = rewards.floor(state.hidden, padded).double().numpy()  # (B, K)
        steps = []
        for row in rows:
            if row.live:
                ids, n = kept[row.index], len(kept[row.index])
                values = (logits[row.index], ids, push[row.index, :n], floor[row.index, :n], phi[row.index, :n])
                steps.append(self._one_row(row, *values, config))
        return tuple(steps)

    def _one_row(
        self,
        row: _Row,
        logits: NDArray[np.float32],
        ids: NDArray[np.int64],
        push: NDArray[np.float64],
        floor: NDArray[np.float64],
        phi: NDArray[np.float64],
        config: DecodingConfig,
    ) -> DecodingStep:
        cap = min(row.cap, row.budget)
        base = logits[ids].astype(np.float64)
        steered = steer(base, push, floor, safety=self._safety, cap=cap, largest=config.reward_scale)
        chosen = _choose(steered.logits, ids, len(logits), row.generator, config.temperature)
        row.budget -= steered.kl
        row.length += 1
        stopped = int(ids[chosen]) in self._model.stop_ids
        full = row.length >= row.room
        row.live = not (stopped or full)
        ended: Literal["stop", "length"] | None = "stop" if stopped else "length" if full else None
        trace = _TraceBuilder(logits, ids, steered, phi, floor, self._safety)
        others = [index for index in np.argsort(-steered.logprobs) if index != chosen][: config.alternatives]
        own = trace.of(chosen)
        return DecodingStep(
            row.index, own.token_id, own.base_logprob, own.logprob, own.pushes, own.floor, steered.kl,
            tuple(trace.of(int(index)) for index in others), ended,
        )  # fmt: skip


def _new_row(index: int, weights: Mapping[str, float], room: int, config: DecodingConfig) -> _Row:
    largest = max((abs(value) for value in weights.values()), default=0.0)
    # Equal seeds give both rows the same noise, so that what differs comes from guidance and not from luck.
    generator = np.random.default_rng(config.seed)
    return _Row(index, generator, turn_cap(config.kl_per_token, largest), config.kl_per_answer, room)


def _choose(
    logits: NDArray[np.float64],
    ids: NDArray[np.int64],
    vocabulary: int,
    generator: np.random.Generator,
    temperature: float,
) -> int:
    """Index of the chosen candidate: the best at temperature 0, else a Gumbel-max draw.

    The noise belongs to token ids, so two rows with one seed choose alike wherever guidance does not part them.
    """
    if temperature == 0:
        return int(np.argmax(logits))
    noise = -np.log(-np.log(generator.random(vocabulary)[ids] + 1e-300) + 1e-300)
    return int(np.argmax(logits / temperature + noise))


class _TraceBuilder:
    """The trace of one step's candidates; computes what they share once."""

    def __init__(
        self,
        logits: NDArray[np.float32],
        ids: NDArray[np.int64],
        steered: Steered,
        phi: NDArray[np.float64],
        floor: NDArray[np.float64],
        safety: float,
    ) -> None:
        row = logits.astype(np.float64)
        best = row.max()
        self._log_z = best + np.log(np.exp(row - best).sum())
        self._row = row
        self._ids = ids
        self._logprobs = steered.logprobs
        odds = np.exp(steered.start)
        self._pushes = steered.multiplier * (phi - odds @ phi)  # (K, D)
        kept_back = safety - steered.multiplier * steered.removed
        self._floor = kept_back * (floor - odds @ floor)  # (K,)

    def of(self, index: int) -> StepAlternative:
        token = int(self._ids[index])
        return StepAlternative(
            token,
            float(self._row[token] - self._log_z),
            float(self._logprobs[index]),
            tuple(self._pushes[index].tolist()),
            float(self._floor[index]),
        )
