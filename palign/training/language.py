"""Stages `base` and `chat`: a small Llama, trained for a budget of minutes and resumable from its checkpoint.

Knows token rows and tensors, not where the rows come from.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.distributed as together
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from palign.models.encoder import TextEncoder
from palign.training.batches import IGNORED, Batch, Pool
from palign.training.recipe import Recipe

__all__ = ["Progress", "answer_loss", "fork_mask", "load_language_model", "new_language_model", "train_language_model"]

_log = logging.getLogger(__name__)
_CHECKPOINT_SECONDS = 240.0
_MICRO_TOKENS = 2048
_WARM_STEPS = 30
_EMBEDDING_SCALE = 0.06  # about what training ends with


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage has come; `losses` are (tokens, nats per learned token) every twenty steps."""

    seconds: float = 0.0
    tokens: int = 0
    pools: int = 0
    losses: tuple[tuple[int, float], ...] = ()


def new_language_model(recipe: Recipe, tokenizer: PreTrainedTokenizerBase, encoder: TextEncoder) -> LlamaForCausalLM:
    """A Llama with tied embeddings and the tokenizer's special tokens; random but for its embeddings.

    These begin as the encoder's word vectors, centred and projected at random to the width of the model, so that words
    alike are neighbours before the first step.
    """
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    words = [str(tokenizer.decode([token])).strip() for token in range(len(tokenizer))]
    vectors = torch.tensor(encoder.word_vectors(words))  # (V, E)
    projected = (vectors - vectors.mean(0)) @ torch.randn(vectors.shape[1], recipe.hidden)  # (V, H)
    # Noise tells apart the tokens that the encoder, which knows no case, takes for one.
    noise = 0.1 * torch.randn(projected.shape)
    embeddings = functional.normalize(projected, dim=1) * recipe.hidden**0.5 + noise
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(_EMBEDDING_SCALE * embeddings)
    return model


def load_language_model(folder: Path) -> LlamaForCausalLM:
    """The model of a checkpoint folder, in fp32."""
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)


def answer_loss(model: LlamaForCausalLM, batch: Batch) -> tuple[Tensor, float]:
    """Summed cross-entropy over learned tokens, nats, and their number or weight; logits only where one is learned."""
    targets = batch.labels[:, 1:]
    learned = targets != IGNORED
    fork = {} if batch.branches is None else {"attention_mask": fork_mask(batch.branches[:, :-1])}
    positions = None if batch.positions is None else batch.positions[:, :-1]
    states = model.model(input_ids=batch.token_ids[:, :-1], position_ids=positions, **fork).last_hidden_state
    logits = model.lm_head(states[learned]).float()  # (N, V)
    losses = functional.cross_entropy(logits, targets[learned], reduction="none")
    weights = torch.ones_like(losses) if batch.weights is None else batch.weights[:, 1:][learned]
    return (losses * weights).sum(), float(weights.sum())


def fork_mask(branches: Tensor) -> Tensor:
    """(B, T) → (B, 1, T, T), added to the scores: every branch sees what all continue, and itself."""
    seen = (branches[:, None, :] == 0) | (branches[:, None, :] == branches[:, :, None])  # (B, T, T)
    seen &= torch.ones(seen.shape[1:], dtype=torch.bool).tril()
    return torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]


def train_language_model(
    model: LlamaForCausalLM,
    pool: Pool,
    folder: Path,
    *,
    recipe: Recipe,
    minutes: float,
    rate_from: float,
    rate_to: float,
) -> Progress:
    """Train until `minutes` are spent, earlier runs of the same stage counted in; the rate falls linearly.

    Args:
        model: trained in place.
        pool: number → batches, a pure function.
        folder: checkpoint; where it holds one, training goes on from there.
        rate_from, rate_to: shares of the recipe's learning rates at the start and the end of the stage.
    """
    # On a CPU the plain product of matrices is three times as fast, backwards, as the fused kernel in bfloat16.
    model.set_attn_implementation("eager")
    optimizers = _optimizers(model, recipe)
    progress = _resume(model, optimizers, folder)
    budget = 60 * minutes
    bar = tqdm(
        total=round(budget),
        initial=round(progress.seconds),
        unit="s",
        desc=folder.name,
        mininterval=5,
        disable=not _first(),
    )
    saved = progress.seconds
    while progress.seconds < budget:
        progress = _one_pool(model, optimizers, pool, progress, budget, recipe, (rate_from, rate_to), bar)
        if progress.seconds - saved > _CHECKPOINT_SECONDS or progress.seconds >= budget:
            if _first():
                _save(model, optimizers, folder, progress)
            saved = progress.seconds
    bar.close()
    return progress


def _one_pool(
    model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], pool: Pool, progress: Progress, budget: float,
    recipe: Recipe, rates: tuple[float, float], bar: tqdm[None],
) -> Progress:  # fmt: skip
    started = time.monotonic()
    tokens, losses = progress.tokens, list(progress.losses)
    # Small steps learn to read the question; large ones, once the rate has fallen, learn the lines with less noise.
    size = recipe.tokens_per_step * (2 if progress.seconds > budget / 2 else 1)
    for number, step in enumerate(_steps(pool(progress.pools), size)):
        seconds = progress.seconds + _agreed(time.monotonic() - started)
        done = min(1.0, seconds / budget)
        warm = min(1.0, (tokens + 1) / (_WARM_STEPS * recipe.tokens_per_step))
        _set_rates(optimizers, recipe, warm * (rates[0] + done * (rates[1] - rates[0])))
        loss = _one_step(model, optimizers, step)
        tokens += sum(batch.token_ids.numel() for batch in step)
        if number % 20 == 0:
            losses.append((tokens, loss))
            bar.set_postfix(loss=f"{loss:.3f}", tokens=f"{tokens / 1e6:.2f}M")
        bar.update(max(0, round(seconds) - bar.n))
        if done >= 1.0:
            break
    return Progress(seconds, tokens, progress.pools + 1, tuple(losses))


def _one_step(model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], step: list[Batch]) -> float:
    """One update from all batches of a step; returns its nats per learned token.

    Of several processes each takes its share of every batch's rows, and all of them apply the summed gradient.
    """
    learned = sum(_weight(batch) for batch in step)
    total = 0.0
    for batch in step:
        with torch.autocast("cpu", torch.bfloat16):
            loss, _ = answer_loss(model, _own_rows(batch))
        torch.autograd.backward(loss / learned)
        total += loss.item()
    if together.is_initialized():
        total = _summed(model, total)
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return total / learned


def _weight(batch: Batch) -> float:
    return float((batch.labels[:, 1:] != IGNORED).sum() if batch.weights is None else batch.weights[:, 1:].sum())


def _first() -> bool:
    return not together.is_initialized() or together.get_rank() == 0


def _own_rows(batch: Batch) -> Batch:
    if not together.is_initialized():
        return batch
    own = slice(together.get_rank(), None, together.get_world_size())
    if together.get_rank() >= len(batch.token_ids):  # a row that teaches nothing, so that every process has gradients
        return Batch(batch.token_ids[:1], torch.full_like(batch.labels[:1], IGNORED))
    return batch.rows(own)


def _summed(model: LlamaForCausalLM, total: float) -> float:
    """Sum every process's gradients in place, and its loss."""
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    flat = torch.cat([*(gradient.flatten() for gradient in gradients), torch.tensor([total])])
    together.all_reduce(flat)
    parts = torch.split(flat[:-1], [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))
    return float(flat[-1])


def _agreed(seconds: float) -> float:
    """The first process's clock: all of them stop at the same step."""
    if not together.is_initialized():
        return seconds
    clock = torch.tensor([seconds], dtype=torch.float64)
    together.broadcast(clock, 0)
    return clock.item()


def _steps(batches: list[Batch], tokens: int) -> Iterator[list[Batch]]:
    step: list[Batch] = []
    for batch in batches:
        step.append(batch)
        if sum(member.token_ids.numel() for member in step) >= tokens - _MICRO_TOKENS // 2:
            yield step
            step = []
    if step:
        yield step


def _optimizers(model: LlamaForCausalLM, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    matrices = [weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed" not in name]
    chosen = {id(weight) for weight in matrices}
    others = [weight for weight in model.parameters() if id(weight) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=recipe.muon_rate, weight_decay=0.0, adjust_lr_fn="original"),
        torch.optim.AdamW(others, lr=recipe.adam_rate, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def _set_rates(optimizers: list[torch.optim.Optimizer], recipe: Recipe, share: float) -> None:
    for optimizer, rate in zip(optimizers, (recipe.muon_rate, recipe.adam_rate), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * share


def _save(model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], folder: Path, progress: Progress) -> None:
    model.save_pretrained(folder)
    tensors = {
        f"{number}.{index}.{key}": value.detach().clone().contiguous()
        for number, optimizer in enumerate(optimizers)
        for index, state in optimizer.state_dict()["state"].items()
        for key, value in state.items()
        if isinstance(value, Tensor)
    }
    save_file(tensors, folder / "optimizer.safetensors")
    (folder / "progress.json").write_text(json.dumps(asdict(progress)))
    _log.info("checkpoint %s: %.0f s, %.2f M tokens", folder.name, progress.seconds, progress.tokens / 1e6)


def _resume(model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer], folder: Path) -> Progress:
    path = folder / "progress.json"
    if not path.exists():
        return Progress()
    saved = load_language_model(folder)
    model.load_state_dict(saved.state_dict())
    stored = load_file(folder / "optimizer.safetensors")
    for number, optimizer in enumerate(optimizers):
        state = optimizer.state_dict()
        entries: dict[int, dict[str, Tensor]] = {}
        for name, value in stored.items():
            owner, index, key = name.split(".")
            if int(owner) == number:
                entries.setdefault(int(index), {})[key] = value
        state["state"] = entries
        optimizer.load_state_dict(state)
    fields = json.loads(path.read_text())
    losses = tuple((int(tokens), float(loss)) for tokens, loss in fields.pop("losses"))
    return Progress(**fields, losses=losses)
