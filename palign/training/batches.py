"""From dialogues and public text to token rows, a pool at a time. A pool is a pure function of (stage, seed, number).

Knows no model.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from palign.schema import Message
from palign.training.corpus import public_records
from palign.training.dialogues import Example, Fork, Sampler

__all__ = ["Batch", "Pool", "base_pool", "chat_pool", "encode_example", "encode_fork", "public_texts"]

IGNORED = -100
_POOL_DIALOGUES = 384
# What an answer is about is decided in its first tokens, some 5 % of a dialogue's. Openings repeat that part cheaply,
# and naming rows teach it directly; without them the model learned its sentences and hardly read the question.
_POOL_OPENINGS = 128
_POOL_CONTINUED = 192
_POOL_NAMINGS = 48
_OPENING_TOKENS = 14
# Every register of a line after one prompt, which is read once: three times the lines for the same tokens.
_POOL_FORKS = 700
_BRANCH_TOKENS = 32
# What a certain fact means for a certain topic is said in one of 1,300 lines, each known by heart or not at all:
# without rows of their own, and many, they were not learned, and none before the model could name the fact.
_POOL_RECALLED = 650
_POOL_FACT_NAMINGS = 24
_PUBLIC = (
    ("pretrain/openstax_ccby", 900),
    ("pretrain/open_dialogues", 2500),
    ("sft/dolly_3k", 3000),
    ("sft/rasbt_1100", 1100),
    ("sft/oasst_prompts_best", 600),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """`token_ids` (B, T) int64, padded on the right; `labels` (B, T), IGNORED where nothing is learned.

    Rows that fork have `branches` (B, T) too: 0 for what all branches continue, then the number of each; `positions`
    (B, T), which begin again with every branch; and `weights` (B, T) of the labels.
    """

    token_ids: Tensor
    labels: Tensor
    branches: Tensor | None = None
    positions: Tensor | None = None
    weights: Tensor | None = None

    def rows(self, own: slice) -> Batch:
        """Some of its rows."""
        parts = (self.token_ids, self.labels, self.branches, self.positions, self.weights)
        token_ids, labels, *fork = (part if part is None else part[own] for part in parts)
        assert token_ids is not None and labels is not None
        return Batch(token_ids, labels, *fork)


@dataclass(frozen=True, slots=True)
class ForkRow:
    """One row of a `Batch` that forks, as lists of equal length; `choosing` marks the tokens by which branches part."""

    token_ids: list[int]
    labels: list[int]
    branches: list[int]
    positions: list[int]
    weights: list[float]
    choosing: list[bool]


Pool = Callable[[int], list[Batch]]


def encode_example(example: Example, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """Ids of the prompt and what is given of the answer, and ids of the answer, the end-of-turn token included."""
    prompt = tokenizer.apply_chat_template(_dicts(example.prompt), tokenize=False, add_generation_prompt=True)
    given, answer = (
        tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        for text in (example.given, example.answer)
    )
    return [*tokenizer(prompt, add_special_tokens=False)["input_ids"], *given], [*answer, tokenizer.eos_token_id]


def encode_fork(fork: Fork, tokenizer: PreTrainedTokenizerBase) -> ForkRow:
    """The row of a fork; a branch weighs as much as its odds until it has parted from all others, and 1 after that.

    So the odds are learned where they matter, and every line is learned by heart.
    """
    prompt = tokenizer.apply_chat_template(_dicts(fork.prompt), tokenize=False, add_generation_prompt=True)
    before = tokenizer(prompt, add_special_tokens=False)["input_ids"]
    before += tokenizer(fork.given, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    encoded = [
        [*tokenizer(branch, add_special_tokens=False, split_special_tokens=True)["input_ids"], tokenizer.eos_token_id]
        for branch in fork.branches
    ]
    n = len(before) - 1
    row = ForkRow(before[:-1], [IGNORED] * n, [0] * n, list(range(n)), [0.0] * n, [False] * n)
    for number, (tokens, odds) in enumerate(zip(encoded, fork.odds, strict=True), 1):
        parted = 1 + max(_shared(tokens, other) for other in encoded if other is not tokens)
        # More may follow a line, so its end is not learned, unless the branch is the end.
        kept = tokens[: max(parted, min(_BRANCH_TOKENS, max(1, len(tokens) - 1)))]
        row.token_ids.extend([before[-1], *kept])
        row.labels.extend([IGNORED, *kept])
        row.branches.extend([number] * (len(kept) + 1))
        row.positions.extend(range(len(before) - 1, len(before) + len(kept)))
        row.weights.extend([0.0, *(odds if i < parted else 1.0 for i in range(len(kept)))])
        row.choosing.extend([False, *(i < parted for i in range(len(kept)))])
    return row


def _shared(tokens: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two branches begin with alike."""
    return next(
        (i for i, (a, b) in enumerate(zip(tokens, other, strict=False)) if a != b), min(len(tokens), len(other))
    )


def public_texts(folder: Path) -> list[str]:
    """The cleanest public text, as documents; empty where the folder is not there."""
    texts = []
    for name, most in _PUBLIC:
        for _, record in zip(range(most), public_records(folder, name), strict=False):
            text = str(record.get("text") or _turns(record))
            if len(text) > 40:
                texts.append(text[:6000])
    return texts


def base_pool(
    sampler: Sampler, texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, *, seed: int, row: int, batch: int,
    public_share: float,
) -> Pool:  # fmt: skip
    """Packed rows of `row` tokens, every token learned, `batch` tokens a batch."""
    share = public_share if texts else 0.0
    end = tokenizer.get_vocab()["<|endoftext|>"]

    def pool(number: int) -> list[Batch]:
        rng = random.Random(f"base-{seed}-{number}")
        rows = _packed(lambda: _public_row(rng.choice(texts), end, tokenizer, rng), round(160 * share), row)
        rows += _packed(lambda: _dialogue_row(sampler.dialogue(rng), tokenizer), round(160 * (1 - share)), row)
        rng.shuffle(rows)
        size = max(1, batch // row)
        stacks = [torch.tensor(rows[i : i + size]) for i in range(0, len(rows), size)]
        return [Batch(stack, stack) for stack in stacks]

    return pool


def chat_pool(sampler: Sampler, tokenizer: PreTrainedTokenizerBase, *, seed: int, longest: int, batch: int) -> Pool:
    """Dialogues and the shorter rows, of similar length together; answers learned, about `batch` tokens a batch."""
    kinds: tuple[tuple[int, Callable[[random.Random], Example], int | None], ...] = (
        (_POOL_DIALOGUES, sampler.dialogue, None),
        (_POOL_OPENINGS, sampler.opening, _OPENING_TOKENS),
        (_POOL_CONTINUED, sampler.continued, _OPENING_TOKENS),
        (_POOL_NAMINGS, sampler.naming, None),
        (_POOL_RECALLED, sampler.recalled, -1),  # more points may follow
        (_POOL_FACT_NAMINGS, sampler.fact_naming, None),
    )

    def pool(number: int) -> list[Batch]:
        rng = random.Random(f"chat-{seed}-{number}")
        pairs = []
        for rows, draw, end in kinds:
            for _ in range(rows):
                prompt, answer = encode_example(draw(rng), tokenizer)
                pairs.append((prompt, answer[:end]))
        pairs = [pair for pair in pairs if len(pair[0]) + len(pair[1]) <= longest]
        batches = [_padded(group, tokenizer.pad_token_id) for group in _by_length(pairs, batch)]
        drawn = [encode_fork(sampler.fork(rng), tokenizer) for _ in range(_POOL_FORKS)]
        forks = [row for row in drawn if max(row.positions) < longest and len(row.token_ids) <= batch]
        forks.sort(key=lambda row: len(row.token_ids))
        size = batch // len(forks[-1].token_ids) if forks else 1
        batches += [_stacked(forks[i : i + size], tokenizer.pad_token_id) for i in range(0, len(forks), size)]
        rng.shuffle(batches)
        return batches

    return pool


def _by_length(pairs: list[tuple[list[int], list[int]]], batch: int) -> Iterator[list[tuple[list[int], list[int]]]]:
    group: list[tuple[list[int], list[int]]] = []
    for pair in sorted(pairs, key=lambda pair: len(pair[0]) + len(pair[1])):
        if group and (len(group) + 1) * (len(pair[0]) + len(pair[1])) > batch:
            yield group
            group = []
        group.append(pair)
    if group:
        yield group


def _padded(group: list[tuple[list[int], list[int]]], pad: int) -> Batch:
    width = max(len(prompt) + len(answer) for prompt, answer in group)
    ids = torch.full((len(group), width), pad)
    labels = torch.full((len(group), width), IGNORED)
    for i, (prompt, answer) in enumerate(group):
        n = len(prompt) + len(answer)
        ids[i, :n] = torch.tensor(prompt + answer)
        labels[i, len(prompt) : n] = torch.tensor(answer)
    return Batch(ids, labels)


def _stacked(rows: Sequence[ForkRow], pad: int) -> Batch:
    def stack(lists: Sequence[Sequence[float]], fill: float) -> Tensor:
        return torch.tensor([[*one, *[fill] * (width - len(one))] for one in lists])

    width = max(len(row.token_ids) for row in rows)
    return Batch(
        stack([row.token_ids for row in rows], pad),
        stack([row.labels for row in rows], IGNORED),
        stack([row.branches for row in rows], -1),
        stack([row.positions for row in rows], 0),
        stack([row.weights for row in rows], 0.0),
    )


def _packed(draw: Callable[[], list[int]], rows: int, width: int) -> list[list[int]]:
    packed: list[list[int]] = []
    buffer: list[int] = []
    while len(packed) < rows:
        buffer += draw()
        while len(buffer) >= width and len(packed) < rows:
            packed.append(buffer[:width])
            buffer = buffer[width:]
    return packed


def _dialogue_row(example: Example, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    prompt, answer = encode_example(example, tokenizer)
    return prompt + answer


def _public_row(text: str, end: int, tokenizer: PreTrainedTokenizerBase, rng: random.Random) -> list[int]:
    start = rng.randrange(max(1, len(text) - 2500))
    piece = text[start : start + 2500]
    return [*tokenizer(piece, add_special_tokens=False, split_special_tokens=True)["input_ids"], end]


def _turns(record: dict[str, object]) -> str:
    turns = record["messages"]
    return "\n".join(str(turn["content"]) for turn in turns) if isinstance(turns, list) else ""


def _dicts(prompt: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in prompt]
