"""A random two-layer model with one token a byte, and random heads for it: real parts, built in a moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from palign.models.language import HASHES, LanguageModel, file_sha256
from palign.rewards import PersRMHeads
from palign.rewards.heads import save_heads

DIMENSIONS = ("concise", "playful", "formal")
HEADS_FILE = "heads.safetensors"
CONTEXT = 160
WIDTH = 32
_PAD, _SYSTEM, _USER, _ASSISTANT, _END = "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
_TEMPLATE = (
    "{% for turn in messages %}<|{{ turn['role'] }}|>{{ turn['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


@dataclass(frozen=True)
class Tiny:
    """What `build` wrote to `folder`, loaded."""

    folder: Path
    model: LanguageModel
    heads: PersRMHeads

    @property
    def heads_path(self) -> Path:
        return self.folder / HEADS_FILE


def build(folder: Path, *, seed: int = 0) -> Tiny:
    """Save a model and heads of this seed to `folder`, and load both."""
    save_model(folder, seed=seed)
    model = LanguageModel.load(folder)
    save_random_heads(folder / HEADS_FILE, base_sha256=model.sha256, seed=seed)
    return Tiny(folder, model, PersRMHeads.load(folder / HEADS_FILE, model))


def save_model(folder: Path, *, seed: int = 0) -> None:
    """Weights, tokenizer and their hashes, as a release carries them."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _byte_tokenizer()
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.3,  # wide enough that some tokens are clearly likelier than others
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        LlamaForCausalLM(config).save_pretrained(folder)
    write_hashes(folder)


def save_random_heads(
    path: Path, *, base_sha256: str, dimensions: tuple[str, ...] = DIMENSIONS, seed: int = 0, width: int = WIDTH
) -> None:
    """Heads whose rewards spread about one nat over the vocabulary."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {"up": (len(dimensions), width, 2), "floor_up": (width, 2)}
    tensors = {}
    for name, shape in shapes.items():
        tensors[name] = 0.3 * torch.randn(shape, generator=generator)
        tensors[name.replace("up", "down")] = 0.3 * torch.randn(shape, generator=generator)
    save_heads(path, dimensions, tensors, base_sha256=base_sha256, sigma=[1.0] * len(dimensions))


def write_hashes(folder: Path) -> None:
    """List every file of `folder` with its hash."""
    files = sorted(path for path in folder.iterdir() if path.name not in (HASHES, HEADS_FILE))
    (folder / HASHES).write_text("".join(f"{file_sha256(path)}  {path.name}\n" for path in files))


def _byte_tokenizer() -> PreTrainedTokenizerFast:
    marks = [_PAD, _SYSTEM, _USER, _ASSISTANT, _END]
    vocabulary = {text: index for index, text in enumerate([*marks, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    bpe = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=_PAD,
        eos_token=_END,
        additional_special_tokens=[_SYSTEM, _USER, _ASSISTANT],
        model_max_length=CONTEXT,
    )
    tokenizer.chat_template = _TEMPLATE
    return tokenizer
