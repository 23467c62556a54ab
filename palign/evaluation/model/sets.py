"""The written questions of the examination, which no stage of training reads. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from palign.schema import AssetError

__all__ = ["Question", "Sets", "load_sets"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Question:
    """One question. `label` is its topic's key, its kind or its category, as the set has it."""

    text: str
    label: str


@dataclass(frozen=True, slots=True)
class Sets:
    """`asks`: two for every topic, written by somebody who saw the titles alone. `near`: beside a topic, not in it.

    `facts`: ways to tell of each kind of fact that no training text has. `unseen`: wishes that no dimension names, each
    in words for it and in words against it.
    """

    asks: tuple[Question, ...]
    near: tuple[Question, ...]
    off: tuple[Question, ...]
    harmful: tuple[Question, ...]
    lookalikes: tuple[Question, ...]
    facts: Mapping[str, tuple[str, ...]]
    unseen: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]


def load_sets() -> Sets:
    """Read and check every file.

    Raises:
        AssetError: a file does not have its form.
    """
    asks = _read("asks.yaml", TypeAdapter(dict[str, tuple[str, str]]))
    unseen = _read("unseen.yaml", TypeAdapter(dict[str, dict[Literal["positive", "negative"], tuple[str, ...]]]))
    return Sets(
        asks=tuple(Question(text, topic) for topic, texts in asks.items() for text in texts),
        near=_labelled("near_topic.yaml", "topic"),
        off=_labelled("off_topic.yaml", "kind"),
        harmful=_labelled("harmful.yaml", "category"),
        lookalikes=_labelled("lookalikes.yaml", "category"),
        facts=_read("facts.yaml", TypeAdapter(dict[str, tuple[str, ...]])),
        unseen={name: (words["positive"], words["negative"]) for name, words in unseen.items()},
    )


def _labelled(name: str, key: str) -> tuple[Question, ...]:
    entries: list[Mapping[str, str]] = _read(name, TypeAdapter(list[dict[str, str]]))
    return tuple(Question(entry["ask"], entry[key]) for entry in entries)


def _read(name: str, kind: TypeAdapter[_T]) -> _T:
    try:
        source = files("palign.evaluation.model").joinpath(name)
        return kind.validate_python(yaml.safe_load(source.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AssetError(f"{name} is no usable set of questions: {error}", path=name, hint="Correct it.") from error
