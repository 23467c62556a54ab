"""The model card, written from measured figures. Knows no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import fmean
from typing import Any

from palign.training.corpus import HELD_OUT_TOPICS
from palign.training.recipe import Recipe

__all__ = ["model_card"]

_DATA = """\
| data | licence | attribution |
|---|---|---|
| palign's authored corpus (`palign/training/corpus`) | Apache-2.0 | the palign authors |
| OpenStax textbooks | CC-BY-4.0 | OpenStax, Rice University. Access for free at openstax.org |
| self_dialogue_corpus | BSD-3-Clause | J. Fainberg and others |
| Topical-Chat | CDLA-Sharing-1.0 | Amazon |
| Synthetic-Persona-Chat | CC-BY-4.0 | Google |
| wow++ | CC-BY-SA-4.0 | Amazon |
| databricks-dolly-15k, filtered | CC-BY-SA-3.0 | Databricks |
| LLMs-from-scratch instruction data | Apache-2.0 | S. Raschka |
| oasst-model-eval answers | Apache-2.0 | Open-Assistant and the models named there |
| all-MiniLM-L6-v2, the word vectors that the embeddings begin as | Apache-2.0 | the sentence-transformers authors |
"""

_NOTE = """\
`torchrun --standalone --nproc-per-node 2 -m palign train base`, and the same for `chat`, shares each step between two
processes; the minutes of the table come from that. The shipped weights were not made in one go: each row of the stages'
table whose name begins with `chat` went on from the weights before it, with a new optimizer, while corpus and rows
grew. The defaults of the command are the recipe for one core instead."""


def model_card(figures: Mapping[str, Any], recipe: Recipe) -> str:
    """Markdown; every figure in it comes from `figures` or the recipe."""
    stages = figures["stages"]
    tokens = sum(stage["tokens"] for stage in stages.values())
    minutes = sum(stage["seconds"] for stage in stages.values()) / 60
    sentences = figures["sentences"]
    return f"""---
license: cc-by-sa-4.0
language: en
library_name: transformers
pipeline_tag: text-generation
---

# palign's embedded model

A Llama of {figures["parameters"] / 1e6:.1f} M parameters ({recipe.layers} layers, {recipe.hidden} wide, tied
embeddings, vocabulary {recipe.vocabulary}), trained for palign's demonstration, tests and benchmark,
with one reward head for each preference dimension and one for the values floor. Weights are stored in bfloat16.

## What it is for

It answers questions on {figures["topics"]} everyday topics from an authored corpus, in many registers, so that steering
can be seen without a network. Outside those topics it knows next to nothing and should say so; it invents when it does
not. It reads English only. A question stands for itself, but for "shorter", "why?" and the like, which go back to the
one before. Nothing it says is a diagnosis, a dose or legal advice.

At this size a model learns to write long before it learns to read. So `topics.safetensors` beside the weights holds a
linear classifier on the sentence encoder's vector, and its guess, sure, likely or weak, stands in the prompt of every
answer: one of the topics, small talk, a harmful request, or none of them. The model was trained beside the guesses of
classifiers that had never seen the ask in question:

| asks of training, each read by a classifier fitted without it | share |
|---|---|
{_reading(figures["reading"])}

## Training

Data: rendered dialogues from the authored corpus, and in the first stage a little public text. All other weights begin
at random.

{_DATA}
The weights are shared under CC-BY-SA-4.0, the strictest licence among their data. Whole topics
({", ".join(sorted(HELD_OUT_TOPICS))}) and two ways of asking every other topic were held out from all training.

| figure | value |
|---|---|
| tokens seen, padding included | {tokens / 1e6:.2f} M |
| minutes of training | {minutes:.0f} |
| held-out ways of asking, nats an answer token | {figures["held_out_loss"]:.2f} |

| sentences of greedy answers, of all | asked as in training | asked in held-out words |
|---|---|---|
| stand in the corpus word for word | {_shares(sentences, "whole")} |
| are from the topic asked about | {_shares(sentences, "on_topic")} |
| were said before in the same answer | {_shares(sentences, "repeated")} |

| answers to questions on which one remembered fact bears, of all | |
|---|---|
| say what follows from that fact | {figures["facts"]["right"]:.0%} |
| say what follows from another fact | {figures["facts"]["other"]:.0%} |
| say such a thing where nothing is remembered | {figures["facts"]["unasked"]:.0%} |
| say such a thing where only a taste is remembered | {figures["facts"]["styled"]:.0%} |

| stage, in order | tokens | minutes | last logged loss, nats a learned token |
|---|---|---|---|
{_stages(stages)}

![Loss against tokens](loss.png)

Share of held-out asks at which a register is a candidate before anything is steered, the reach of guidance, at the
form, at the first point's line and after its tip: {_row(figures["reach"])}.

## Heads

Fitted together to answers rendered under known random stances, to forks, at which the odds of all that may come next
are known under any stance, and to pairs of answers near two poles, half of them from {figures["head_topics"]} further
topics that the model never reads. Pair accuracy is the share of pairs, one answer rendered at +1 and one at -1, that
the head ranks so; the gap is its mean over its deviation. The model has never seen a sentence of the held-out topics,
so there its heads read what it does not know itself:

| dimension | accuracy, known topics | gap | accuracy, held-out topics | gap |
|---|---|---|---|---|
{_heads(figures["heads"])}

<!-- examination:begin -->
<!-- examination:end -->

{_recipe(figures)}## Rebuild

`python -m palign train all --public FOLDER` runs every stage; without the public text the first stage reads the corpus
alone. {_NOTE} Corpus: sha256 `{figures["corpus_sha256"]}`.
"""


def _recipe(figures: Mapping[str, Any]) -> str:
    """The figures of a run of the defaults beside those of the shipped weights; nothing where there was none."""
    if "recipe" not in figures:
        return ""
    rows: list[tuple[str, Callable[[Mapping[str, Any]], str]]] = [
        (
            "minutes of training",
            lambda found: f"{sum(stage['seconds'] for stage in found['stages'].values()) / 60:.0f}",
        ),
        ("tokens seen", lambda found: f"{sum(stage['tokens'] for stage in found['stages'].values()) / 1e6:.2f} M"),
        ("held-out loss, nats an answer token", lambda found: f"{found['held_out_loss']:.2f}"),
        ("sentences on the topic asked about, words of training", lambda found: _on_topic(found, "known")),
        ("the same, held-out words", lambda found: _on_topic(found, "held_out")),
        ("answers that say what follows from a fact", lambda found: f"{found['facts']['right']:.0%}"),
        ("registers within reach", lambda found: f"{fmean(found['reach'].values()):.0%}"),
        ("pair accuracy, known topics", lambda found: f"{_accuracy(found, 'known'):.2f}"),
        ("pair accuracy, held-out topics", lambda found: f"{_accuracy(found, 'held_out'):.2f}"),
    ]
    table = "\n".join(f"| {name} | {read(figures['recipe'])} | {read(figures)} |" for name, read in rows)
    return f"""## The recipe for one core

`python -m palign train all` with its defaults on one core, from nothing, and the shipped weights:

| figure | recipe | shipped |
|---|---|---|
{table}

"""


def _on_topic(figures: Mapping[str, Any], asked: str) -> str:
    return f"{figures['sentences'][asked]['on_topic']:.0%}"


def _accuracy(figures: Mapping[str, Any], topics: str) -> float:
    return fmean(figures["heads"][topics]["pair_accuracy"].values())


def _stages(stages: Mapping[str, Mapping[str, Any]]) -> str:
    return "\n".join(
        f"| {name} | {stage['tokens'] / 1e6:.2f} M | {stage['seconds'] / 60:.0f} | {stage['losses'][-1][1]:.2f} |"
        for name, stage in stages.items()
    )


def _reading(figures: Mapping[str, float]) -> str:
    return "\n".join(f"| {name} | {share:.0%} |" for name, share in figures.items())


def _shares(sentences: Mapping[str, Mapping[str, float]], name: str) -> str:
    return f"{sentences['known'][name]:.0%} | {sentences['held_out'][name]:.0%}"


def _row(reach: Mapping[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in reach.items())


def _heads(reports: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    known, held_out = reports["known"], reports["held_out"]
    return "\n".join(
        f"| {name} | {known['pair_accuracy'][name]:.2f} | {known['effect_size'][name]:.2f} "
        f"| {held_out['pair_accuracy'][name]:.2f} | {held_out['effect_size'][name]:.2f} |"
        for name in known["pair_accuracy"]
    )
