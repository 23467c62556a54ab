"""The base language model and its tokenizer, loaded from a folder and checked. Knows no users and no rewards."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer, DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from palign.models.quiet import quiet_loading
from palign.schema import AssetError, ContextLengthError, Message

__all__ = ["HASHES", "NAME_KEY", "ChatTokenizer", "DecodeState", "LanguageModel", "check_hashes", "file_sha256"]

_log = logging.getLogger(__name__)
_REBUILD = "Restore it from the release, or rebuild it with `python -m palign train all`."
HASHES = "SHA256"
NAME_KEY = "palign_name"  # in config.json
_WEIGHTS = "model.safetensors"


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_hashes(folder: Path) -> dict[str, str]:
    """Compare every file named in `folder`/SHA256 with its hash; returns hash by file name, empty without the list.

    Raises:
        AssetError: the folder or a named file is missing, a file's bytes differ, or the list cannot be read.
    """
    if not folder.is_dir():
        raise AssetError(f"There is no model folder at {folder}.", path=str(folder), hint=_REBUILD)
    listing = folder / HASHES
    if not listing.exists():
        return {}
    hashes = {}
    for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
        expected, _, name = (part.strip() for part in line.partition(" "))
        path = folder / name
        if not name:
            raise AssetError(f"{listing} is truncated or was altered.", path=str(listing), hint=_REBUILD)
        if not path.is_file():
            raise AssetError(f"{name} is missing from {folder}.", path=str(path), hint=_REBUILD)
        if file_sha256(path) != expected:
            raise AssetError(f"{path} is truncated or was altered.", path=str(path), hint=_REBUILD)
        hashes[name] = expected
    if not hashes:
        raise AssetError(f"{listing} is truncated or was altered.", path=str(listing), hint=_REBUILD)
    return hashes


class ChatTokenizer:
    """Dialogues to token ids and back; marks of the template inside a text stay text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        # Some models list their turn marks only among the added tokens.
        added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._marks = sorted(added | set(tokenizer.all_special_tokens), key=len, reverse=True)

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a dialogue, up to and including the assistant's header."""
        turns = [{"role": message.role, "content": self._as_data(message.content)} for message in messages]
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def encode_answer(self, text: str) -> list[int]:
        """Token ids of an answer without its end mark."""
        return list(self._tokenizer(self._as_data(text), add_special_tokens=False)["input_ids"])

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of the ids, special tokens left out."""
        ids = list(token_ids)
        # Tidied spaces would change text already shown, so that a stream's pieces no longer add up.
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def _as_data(self, text: str) -> str:
        for mark in self._marks:
            if mark in text:
                text = text.replace(mark, mark[0] + " " + mark[1:])
        return text


@dataclass(frozen=True, slots=True)
class DecodeState:
    """Where B rows stand: `logits` (B, V) and `hidden` (B, H) float32 at each row's last token, and what to go on from.

    `hidden` is taken after the final norm. `mask` (B, T) is 0 on left padding, `positions` (B,) the last position.
    A step grows `cache` in place, so a state is good for one step.
    """

    logits: Tensor
    hidden: Tensor
    cache: DynamicCache
    mask: Tensor
    positions: Tensor


class LanguageModel:
    """A causal language model in fp32, behind `prefill` and `step`.

    Attributes:
        name: as its configuration says, else that of the folder it was loaded from.
        sha256: of the weights file.
        tokenizer: of this model.
        context: positions it can read.
        stop_ids: tokens that end an answer.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, name: str, sha256: str) -> None:
        self._model = model.eval()  # type: ignore[no-untyped-call]  # transformers leaves it unannotated
        self.tokenizer = ChatTokenizer(tokenizer)
        self.name = name
        self.sha256 = sha256
        self.context = int(model.config.max_position_embeddings)
        self.stop_ids = _stop_ids(model, tokenizer)
        self._pad = int(tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id)

    @classmethod
    def load(cls, folder: Path) -> LanguageModel:
        """Load from a folder, offline.

        Raises:
            AssetError: a file is missing, truncated, altered or not a model.
        """
        hashes = check_hashes(folder)
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            with quiet_loading():
                loaded = AutoModelForCausalLM.from_pretrained(
                    folder, dtype=torch.float32, local_files_only=True, output_loading_info=True
                )
            # Without a list the weights still have a hash: the heads are checked against it.
            sha256 = hashes.get(_WEIGHTS) or file_sha256(folder / _WEIGHTS)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise _unusable(folder, str(error)) from error
        model, report = cast("tuple[PreTrainedModel, dict[str, set[str]]]", loaded)
        # transformers would go on with random weights, or without an end of answer, and say so only in its log.
        if missing := sorted(report["missing_keys"]):
            raise _unusable(folder, f"it lacks {', '.join(missing[:3])}")
        if tokenizer.eos_token_id is None or tokenizer.chat_template is None:
            raise _unusable(folder, "its tokenizer has no end mark or no chat template")
        _log.info("loaded %s, %.1f M parameters", folder.name, sum(p.numel() for p in model.parameters()) / 1e6)
        return cls(model, tokenizer, name=str(getattr(model.config, NAME_KEY, folder.name)), sha256=sha256)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(weight.numel() for weight in self._model.parameters())

    @property
    def embeddings(self) -> Tensor:
        """(V, H) float32 output embeddings, without gradient."""
        weight: Tensor = self._model.get_output_embeddings().weight
        return weight.detach()

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Sequence[int]]) -> DecodeState:
        """Read B prompts of any lengths.

        Raises:
            ContextLengthError: a prompt leaves no room for an answer.
        """
        longest = max(len(prompt) for prompt in prompts)
        if longest >= self.context:
            raise ContextLengthError(longest, self.context)
        ids = torch.full((len(prompts), longest), self._pad)  # (B, T)
        mask = torch.zeros_like(ids)  # (B, T)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        positions = (mask.cumsum(-1) - 1).clamp(min=0)  # (B, T)
        return self._forward(ids, mask, positions, DynamicCache(config=self._model.config))

    @torch.inference_mode()
    def step(self, state: DecodeState, token_ids: Sequence[int]) -> DecodeState:
        """Append one token to each of the B rows."""
        ids = torch.tensor(token_ids)[:, None]  # (B, 1)
        mask = torch.cat([state.mask, torch.ones_like(ids)], dim=1)  # (B, T + 1)
        # Only a row that has ended gets past the last position; learned position tables end there.
        positions = (state.positions[:, None] + 1).clamp(max=self.context - 1)  # (B, 1)
        return self._forward(ids, mask, positions, state.cache)

    @torch.inference_mode()
    def hidden_states(self, prompt: Sequence[int], answer: Sequence[int]) -> tuple[Tensor, Tensor]:
        """Teacher-forced hidden (T, H) and logits (T, V) from which each of the T answer tokens was predicted."""
        ids = torch.tensor([[*prompt, *answer]])[:, : self.context]  # (1, P + T)
        output = self._model(input_ids=ids, output_hidden_states=True, use_cache=False)
        span = slice(len(prompt) - 1, ids.shape[1] - 1)
        return output.hidden_states[-1][0, span], output.logits[0, span].float()

    @torch.inference_mode()
    def generate(self, prompt: Sequence[int], *, max_new_tokens: int) -> list[int]:
        """Transformers' own greedy loop: what the decoder is compared with, in parity and in cost."""
        ids = torch.tensor([list(prompt)])
        output = self._model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=max_new_tokens, do_sample=False
        )
        return [int(token) for token in output[0, len(prompt) :]]

    def _forward(self, ids: Tensor, mask: Tensor, positions: Tensor, cache: DynamicCache) -> DecodeState:
        output = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            output_hidden_states=True,
            logits_to_keep=1,
        )
        hidden = output.hidden_states[-1][:, -1]  # (B, H)
        return DecodeState(output.logits[:, -1].float(), hidden, cache, mask, positions[:, -1])


def _stop_ids(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """The tokenizer's end mark and those `generate` would stop at; many chat models name several."""
    settings = model.generation_config
    named = settings.eos_token_id if settings is not None and settings.eos_token_id is not None else []
    return frozenset({int(tokenizer.eos_token_id), *([named] if isinstance(named, int) else named)})


def _unusable(folder: Path, why: str) -> AssetError:
    return AssetError(f"{folder} holds no usable model: {why}.", path=str(folder), hint=_REBUILD)
