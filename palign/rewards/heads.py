"""PersRM heads: per-dimension rewards read off the base model's last hidden state by low-rank matrices.

phi_k(s, a) = e_a . (A_k h) / sigma_k with A_k = U_k V_k^T; h is the hidden state after the final norm and e_a the
output embedding of token a. By linearity a user's w folds into one matrix M_w = sum_k w_k A_k / sigma_k a turn, so a
guided token costs one H x H product. Knows no decoding, no memory and no user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from palign.models.language import LanguageModel, file_sha256
from palign.schema import AssetError, UnknownDimensionError

__all__ = ["FLOOR", "AnswerScorer", "PersRMHeads", "RewardSource", "RewardStream"]

FLOOR = "floor"
_REBUILD = "Rebuild the heads with `python -m palign train heads` and `python -m palign train export`."


class RewardStream(Protocol):
    """One request's rewards, never shared between requests."""

    def push(self, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        """(B, H), (B, K) → (B, K) float32: w . phi of each row's own w."""

    def explain(self, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        """(B, H), (B, K) → (B, K, D) float32: w_k phi_k by dimension, for the trace only."""

    def floor(self, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        """(B, H), (B, K) → (B, K) float32: phi_safe, the same for every row and user."""


class RewardSource(Protocol):
    """Where rewards come from; `steered` are the dimensions for which there are any."""

    dimensions: tuple[str, ...]
    steered: tuple[str, ...]
    sha256: str

    def open(self, weights: Sequence[Mapping[str, float]]) -> RewardStream:
        """Start a request of B rows, one weight mapping a row; dimensions left out weigh 0."""


class PersRMHeads:
    """Trained heads of one base model.

    Attributes:
        dimensions: names, in the order of the last axis of `explain`.
        steered: those of them that have a head.
        sha256: of the head file, empty for heads made in memory.
    """

    def __init__(self, dimensions: Sequence[str], up: Tensor, down: Tensor, floor: Tensor, embeddings: Tensor) -> None:
        """Take the matrices as they are; `load` also checks whose they are.

        Args:
            up, down: (D, H, r), with sigma_k folded into `up`.
            floor: (H, H), phi_safe's matrix.
            embeddings: (V, H) output embeddings of the base.
        """
        self.dimensions = tuple(dimensions)
        self.steered = tuple(name for name, matrix in zip(dimensions, up, strict=True) if bool(matrix.any()))
        self.sha256 = ""
        self.up = up
        self.down = down
        self.floor_matrix = floor
        self.embeddings = embeddings

    @classmethod
    def load(cls, path: Path, model: LanguageModel) -> PersRMHeads:
        """Read a head file and check that it was trained for this base.

        Raises:
            AssetError: the file is missing, damaged, or belongs to another base model.
        """
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                tensors = {name: file.get_tensor(name).float() for name in ("up", "down", "floor_up", "floor_down")}
        except (OSError, SafetensorError) as error:
            raise AssetError(f"{path} holds no usable heads: {error}", path=str(path), hint=_REBUILD) from error
        width = model.embeddings.shape[1]
        if header.get("base_sha256") != model.sha256 or tensors["up"].shape[1:2] != (width,):
            raise AssetError(f"{path.name} was trained for another base model.", path=str(path), hint=_REBUILD)
        dimensions = header.get("dimensions", "").split(",")
        if not _fits(tensors, len(dimensions), width):
            raise AssetError(f"{path} holds no usable heads: they do not fit.", path=str(path), hint=_REBUILD)
        floor = tensors["floor_up"] @ tensors["floor_down"].T
        heads = cls(dimensions, tensors["up"], tensors["down"], floor, model.embeddings)
        heads.sha256 = file_sha256(path)
        return heads

    def covering(self, dimensions: Sequence[str]) -> PersRMHeads:
        """The same heads in the order of `dimensions`; one without a head steers nothing.

        Raises:
            AssetError: a head is of no such dimension.
        """
        unknown = [name for name in self.dimensions if name not in dimensions]
        if unknown:
            names = ", ".join(unknown)
            raise AssetError(f"There are heads for unknown dimensions: {names}.", path="heads", hint=_REBUILD)
        rows = [dimensions.index(name) for name in self.dimensions]
        up, down = (torch.zeros(len(dimensions), *matrix.shape[1:]) for matrix in (self.up, self.down))
        up[rows], down[rows] = self.up, self.down
        heads = PersRMHeads(dimensions, up, down, self.floor_matrix, self.embeddings)
        heads.sha256 = self.sha256
        return heads

    def open(self, weights: Sequence[Mapping[str, float]]) -> RewardStream:
        """Fold each row's w into one matrix.

        Raises:
            UnknownDimensionError: a weight names a dimension without a head.
        """
        table = torch.zeros(len(weights), len(self.dimensions))  # (B, D)
        for row, mapping in enumerate(weights):
            for name, value in mapping.items():
                if name not in self.dimensions:
                    known = ", ".join(self.dimensions)
                    raise UnknownDimensionError(f"No head steers '{name}'.", hint=f"Choose among: {known}.")
                table[row, self.dimensions.index(name)] = value
        return _HeadStream(self, table)


def _fits(tensors: Mapping[str, Tensor], dimensions: int, width: int) -> bool:
    up, floor = tensors["up"], tensors["floor_up"]
    paired = up.shape == tensors["down"].shape and floor.shape == tensors["floor_down"].shape
    shaped = up.ndim == 3 and floor.ndim == 2 and up.shape[:2] == (dimensions, width) and floor.shape[0] == width
    return paired and shaped and all(bool(tensor.isfinite().all()) for tensor in tensors.values())


class _HeadStream:
    def __init__(self, heads: PersRMHeads, weights: Tensor) -> None:
        self._heads = heads
        self._weights = weights  # (B, D)
        self._folded = torch.einsum("bd,dhr,dgr->bhg", weights, heads.up, heads.down)  # (B, H, H)

    def push(self, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        moved = torch.einsum("bhg,bg->bh", self._folded, hidden)  # (B, H)
        return torch.einsum("bkh,bh->bk", self._heads.embeddings[candidate_ids], moved)

    def explain(self, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        inner = torch.einsum("dhr,bh->bdr", self._heads.down, hidden)  # (B, D, r)
        moved = torch.einsum("dhr,bdr->bdh", self._heads.up, inner)  # (B, D, H)
        phi = torch.einsum("bkh,bdh->bkd", self._heads.embeddings[candidate_ids], moved)
        return phi * self._weights[:, None, :]

    def floor(self, hidden: Tensor, candidate_ids: Tensor) -> Tensor:
        moved = hidden @ self._heads.floor_matrix.T  # (B, H)
        return torch.einsum("bkh,bh->bk", self._heads.embeddings[candidate_ids], moved)


class AnswerScorer:
    """Phi(y): what an answer as a whole is worth by dimension, read on the unsteered base without memories."""

    def __init__(self, model: LanguageModel, heads: PersRMHeads) -> None:
        self._model = model
        self._heads = heads

    @torch.inference_mode()
    def score(self, prompt: Sequence[int], answer: Sequence[int]) -> dict[str, float]:
        """Phi_k(y) = |y|^(-1/2) sum_t phi~_k(s_t, y_t), phi~ centred under the base over the full vocabulary.

        Under the base the summands are martingale differences, so Phi keeps near-unit variance at any length.

        Args:
            prompt: token ids of the question as the generic row sees it.
            answer: token ids, the end mark included where the answer ended by itself. What lies past the model's
                context is not read.
        """
        if not answer:
            return dict.fromkeys(self._heads.dimensions, 0.0)
        hidden, logits = self._model.hidden_states(prompt, answer)  # (T, H), (T, V)
        if not len(hidden):
            return dict.fromkeys(self._heads.dimensions, 0.0)  # the prompt alone fills the context
        embeddings = self._heads.embeddings
        expected = torch.softmax(logits, -1) @ embeddings  # (T, H)
        chosen = embeddings[torch.tensor(list(answer)[: hidden.shape[0]])]  # (T, H)
        inner = torch.einsum("dhr,th->dtr", self._heads.down, hidden)
        moved = torch.einsum("dhr,dtr->dth", self._heads.up, inner)  # (D, T, H)
        phi = torch.einsum("th,dth->d", chosen - expected, moved) / hidden.shape[0] ** 0.5
        return dict(zip(self._heads.dimensions, phi.tolist(), strict=True))


def save_heads(
    path: Path, dimensions: Sequence[str], tensors: Mapping[str, Tensor], *, base_sha256: str, sigma: Sequence[float]
) -> None:
    """Write `up`, `down` (D, H, r) and `floor_up`, `floor_down` (H, r) with the base they belong to."""
    header = {
        "dimensions": ",".join(dimensions),
        "base_sha256": base_sha256,
        "sigma": ",".join(f"{value:.6g}" for value in sigma),
    }
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, metadata=header)
