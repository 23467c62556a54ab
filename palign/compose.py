"""The one place where the parts are put together; `app.py` and the command line both start here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from palign.chat import ChatService, Status
from palign.config import DecodingConfig, Settings
from palign.decoding import GuidedDecoder
from palign.dimensions import CATALOGUE
from palign.memory import PreferenceMemory
from palign.models.encoder import TextEncoder
from palign.models.language import LanguageModel
from palign.models.topics import TopicReader
from palign.preferences import ExploreConfig, LearningConfig
from palign.rewards import AnswerScorer, PersRMHeads
from palign.safety import SAFETY_WEIGHT, SafetyPolicy

__all__ = ["build_service"]


@contextmanager
def build_service(settings: Settings, *, throwaway: bool = False) -> Iterator[ChatService]:
    """Load the model and the encoder, open the store, and close it at the end.

    Args:
        throwaway: keep memories and votes in memory only; nothing is stored.

    Raises:
        AssetError: a model, head or encoder file is missing or altered.
        MemoryStoreError: the store is locked by another process, read-only, full or damaged.
    """
    torch.set_num_threads(settings.threads)
    encoder = TextEncoder.load()
    store = PreferenceMemory.temporary(encoder) if throwaway else PreferenceMemory.open(settings.data, encoder)
    # The store is open before the model is read: one that is in use is said without that wait.
    with store as memory:
        folder = Path(settings.model)
        model = LanguageModel.load(folder)
        heads = PersRMHeads.load(folder / "heads.safetensors", model).covering(tuple(CATALOGUE))
        yield ChatService(
            decoder=GuidedDecoder(model, heads, safety_weight=SAFETY_WEIGHT),
            tokenizer=model.tokenizer,
            context=model.context,
            scorer=AnswerScorer(model, heads),
            reader=TopicReader.load(folder, encoder),
            memory=memory,
            safety=SafetyPolicy(),
            status=Status(model.name, model.sha256, heads.sha256, model.parameters, not throwaway),
            decoding=DecodingConfig(),
            learning=LearningConfig(),
            exploring=ExploreConfig(),
        )
