"""Stage `export`: the files to ship, their hashes and the model card. Knows every earlier stage's output."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

from transformers import GenerationConfig, PreTrainedTokenizerBase

from palign.models.encoder import TextEncoder
from palign.models.language import HASHES, NAME_KEY, LanguageModel, file_sha256
from palign.models.topics import TOPICS_FILE, TopicReader
from palign.rewards.heads import AnswerScorer, PersRMHeads
from palign.training.card import model_card
from palign.training.corpus import Corpus, corpus_sha256
from palign.training.heads import HEADS_FILE
from palign.training.plot import plot_losses
from palign.training.recipe import Paths, Recipe
from palign.training.report import (
    head_report,
    held_out_asks,
    held_out_loss,
    reach_report,
    recall_report,
    sentence_report,
)
from palign.training.topics import load_reading

__all__ = ["export"]

_NAME = "palign-embedded"
RECIPE_FIGURES = "recipe.json"
_HASHED = ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")


def export(corpus: Corpus, tokenizer: PreTrainedTokenizerBase, recipe: Recipe, paths: Paths) -> None:
    """Write weights (bf16), tokenizer, heads, SHA256, README.md, training.json and loss.png to `paths.out`.

    Where that folder holds the figures of another run as recipe.json, the card shows them beside its own.
    """
    out = paths.out
    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(paths.checkpoint("rounded") / name, out / name)
    shutil.copy(paths.work / HEADS_FILE, out / HEADS_FILE)
    shutil.copy(paths.topics / TOPICS_FILE, out / TOPICS_FILE)
    tokenizer.save_pretrained(out)
    GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    ).save_pretrained(out)
    _write_name(out / "config.json")
    _write_hashes(out)
    model = LanguageModel.load(out)
    reader = TopicReader.load(out, TextEncoder.load())
    scorer = AnswerScorer(model, PersRMHeads.load(out / HEADS_FILE, model))
    figures: dict[str, Any] = {
        "parameters": model.parameters,
        "corpus_sha256": corpus_sha256(),
        "topics": len(corpus.training_topics()),
        "head_topics": len(corpus.heads),
        "reading": load_reading(paths.topics).figures,
        "held_out_loss": held_out_loss(model, reader, corpus, recipe),
        "sentences": {
            "known": sentence_report(model, reader, corpus, recipe, held_out=False),
            "held_out": sentence_report(model, reader, corpus, recipe, held_out=True),
        },
        "reach": reach_report(
            model, reader, list(held_out_asks(corpus, random.Random(f"reach-{recipe.seed}"), recipe.report_asks))
        ),
        "facts": recall_report(model, reader, corpus, recipe),
        "heads": {
            "known": head_report(model, reader, scorer, corpus.training_topics(), n=recipe.report_asks),
            "held_out": head_report(model, reader, scorer, corpus.held_out_topics(), n=recipe.report_asks),
        },
        "stages": _stages(paths.work),
    }
    if (out / RECIPE_FIGURES).exists():
        figures["recipe"] = json.loads((out / RECIPE_FIGURES).read_text(encoding="utf-8"))
    plot_losses(figures["stages"], out / "loss.png")
    (out / "training.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(model_card(figures, recipe), encoding="utf-8")


def _write_name(path: Path) -> None:
    """Folders are called anything; the name goes with the weights."""
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, NAME_KEY: _NAME}, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _write_hashes(out: Path) -> None:
    names = [*_HASHED, HEADS_FILE, TOPICS_FILE]
    if (out / "chat_template.jinja").exists():
        names.append("chat_template.jinja")
    lines = [f"{file_sha256(out / name)}  {name}\n" for name in sorted(names)]
    (out / HASHES).write_text("".join(lines), encoding="utf-8")


def _stages(work: Path) -> dict[str, dict[str, Any]]:
    """Progress of every language-model stage that left a checkpoint, in the order they ended."""
    found = sorted(work.glob("*/progress.json"), key=lambda path: path.stat().st_mtime)
    return {path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in found}
