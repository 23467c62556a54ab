"""`palign train STAGE`: the stages in order, each resumable, each leaving its files for the next. Knows every stage."""

from __future__ import annotations

import argparse
import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.distributed as together
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from palign.models.encoder import TextEncoder
from palign.training.batches import base_pool, chat_pool, public_texts
from palign.training.corpus import Corpus, load_corpus
from palign.training.dialogues import Sampler
from palign.training.export import export
from palign.training.heads import train_heads
from palign.training.language import load_language_model, new_language_model, train_language_model
from palign.training.recipe import Paths, Recipe, smoke
from palign.training.tokenizer import train_tokenizer
from palign.training.topics import fit_topics, load_reading, strangers

__all__ = ["STAGES", "run"]

_log = logging.getLogger(__name__)
STAGES = ("tokenizer", "topics", "base", "chat", "heads", "export")
_SHARED_STAGES = ("base", "chat")
_MICRO_TOKENS = 2048


def run(argv: Sequence[str]) -> None:
    """Parse the stage and its options, and run it; `all` runs every stage in order.

    Started by `torchrun`, several processes share the language-model stages and the first does the rest.
    """
    parser = argparse.ArgumentParser(prog="palign train", description="Train the embedded model from the corpus.")
    parser.add_argument("stage", choices=(*STAGES, "all"))
    parser.add_argument("--work", type=Path, default=Path("build/train"), help="folder of checkpoints and caches")
    parser.add_argument("--public", type=Path, default=Path("../shared/data"), help="folder of public text, if any")
    parser.add_argument("--out", type=Path, default=Path("assets/model"), help="folder of the files to ship")
    parser.add_argument("--budget-minutes", type=float, help="of the two language-model stages together")
    parser.add_argument("--smoke", action="store_true", help="every stage in small, to see that it runs")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    if together.is_torchelastic_launched():
        together.init_process_group("gloo")
    recipe = smoke(Recipe()) if options.smoke else Recipe()
    if options.budget_minutes is not None:
        recipe = _with_budget(recipe, options.budget_minutes)
    paths = Paths(options.work, options.public, options.out)
    corpus = load_corpus()
    for stage in STAGES if options.stage == "all" else (options.stage,):
        if not together.is_initialized() or together.get_rank() == 0 or stage in _SHARED_STAGES:
            _log.info("stage %s", stage)
            _run_stage(stage, corpus, recipe, paths)
        if together.is_initialized():
            together.barrier()


def _run_stage(stage: str, corpus: Corpus, recipe: Recipe, paths: Paths) -> None:
    if stage == "tokenizer":
        train_tokenizer(corpus, paths.public, paths.tokenizer, vocabulary=recipe.vocabulary, context=recipe.context)
        return
    if stage == "topics":
        questions = strangers(paths.public, seed=recipe.seed)
        fit_topics(corpus, questions, TextEncoder.load(), paths.topics, most=recipe.index_asks, seed=recipe.seed)
        return
    tokenizer = AutoTokenizer.from_pretrained(paths.tokenizer)
    sampler = Sampler(corpus, corpus.training_topics(), load_reading(paths.topics))
    if stage == "base":
        _train_base(sampler, tokenizer, recipe, paths)
    elif stage == "chat":
        _train_chat(sampler, tokenizer, recipe, paths)
    elif stage == "heads":
        train_heads(load_language_model(paths.checkpoint("chat")), tokenizer, corpus, sampler, recipe, paths)
    else:
        export(corpus, tokenizer, recipe, paths)


def _train_base(sampler: Sampler, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, paths: Paths) -> None:
    pool = base_pool(
        sampler,
        public_texts(paths.public),
        tokenizer,
        seed=recipe.seed,
        row=recipe.row_tokens,
        batch=_MICRO_TOKENS,
        public_share=recipe.public_share,
    )
    model = new_language_model(recipe, tokenizer, TextEncoder.load())
    train_language_model(
        model, pool, paths.checkpoint("base"), recipe=recipe, minutes=recipe.base_minutes, rate_from=1.0, rate_to=0.9
    )


def _train_chat(sampler: Sampler, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, paths: Paths) -> None:
    pool = chat_pool(
        sampler,
        tokenizer,
        seed=recipe.seed,
        longest=recipe.row_tokens + 64,
        batch=_MICRO_TOKENS,
    )
    model = load_language_model(paths.checkpoint("base"))
    train_language_model(
        model, pool, paths.checkpoint("chat"), recipe=recipe, minutes=recipe.chat_minutes, rate_from=0.9, rate_to=0.02
    )


def _with_budget(recipe: Recipe, minutes: float) -> Recipe:
    share = minutes / (recipe.base_minutes + recipe.chat_minutes)
    return dataclasses.replace(
        recipe, base_minutes=recipe.base_minutes * share, chat_minutes=recipe.chat_minutes * share
    )
