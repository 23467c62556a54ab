"""Stage `tokenizer`: a byte-level BPE with the chat's special tokens and template. Knows no model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from palign.training.corpus import Corpus, public_records

__all__ = ["CHAT_TEMPLATE", "train_tokenizer"]

_PAD, _TEXT_END = "<|pad|>", "<|endoftext|>"
_SYSTEM, _USER, _ASSISTANT, _END = "<|system|>", "<|user|>", "<|assistant|>", "<|end|>"
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_PUBLIC = (("pretrain/openstax_ccby", 400), ("sft/dolly_3k", 1000), ("pretrain/open_dialogues", 400))


def train_tokenizer(corpus: Corpus, public: Path, folder: Path, *, vocabulary: int, context: int) -> None:
    """Train on the authored text and a little public text, and save to `folder`."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[_PAD, _TEXT_END, _SYSTEM, _USER, _ASSISTANT, _END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_texts(corpus, public), trainer)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=bpe,
        pad_token=_PAD,
        eos_token=_END,
        additional_special_tokens=[_TEXT_END, _SYSTEM, _USER, _ASSISTANT],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)


def _texts(corpus: Corpus, public: Path) -> Iterator[str]:
    for topic in corpus.training_topics().values():
        yield from topic.asks
        yield from (topic.answer_first, *topic.warm_openers, *topic.question_back, *topic.when.values())
        for point in topic.points:
            # " " before each line: inside an answer a sentence nearly always follows another.
            yield from (f" {line}" for line in point.model_dump().values() if isinstance(line, str))
    for dialogue in corpus.dialogues:
        yield from (*dialogue.asks, *dialogue.answers)
    for name, most in _PUBLIC:
        for _, record in zip(range(most), public_records(public, name), strict=False):
            yield str(record.get("text") or record["messages"])[:4000]
