"""The authored corpus as validated values: topics, wordings of facts and stances, and small dialogues.

Knows nothing of rendering or models.
"""

from __future__ import annotations

import hashlib
import json
import lzma
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from palign.schema import AssetError

__all__ = [
    "HELD_OUT_TOPICS",
    "Corpus",
    "Dialogue",
    "FollowUp",
    "Point",
    "Refusals",
    "StanceWords",
    "Topic",
    "load_corpus",
    "public_records",
]

FOLDER = Path(__file__).resolve().parent / "corpus"

# Twenty topics no stage of training sees, spread over the areas and away from what a first visitor asks.
HELD_OUT_TOPICS = frozenset(
    {
        "sort-important-papers", "look-after-wooden-furniture", "hang-pictures-straight",
        "choose-ripe-fruit", "keep-bread-fresh",
        "compare-phone-plans", "buy-a-used-bicycle", "travel-with-small-children",
        "start-birdwatching", "introduce-yourself-to-a-group",
        "why-we-yawn", "how-rainbows-form", "viruses-and-bacteria-compared",
        "make-a-simple-spreadsheet", "stop-spam-mail",
        "take-a-good-nap", "cycle-to-work", "ease-tired-eyes-at-a-screen",
        "learn-to-touch-type", "read-a-difficult-text",
    }
)  # fmt: skip

_T = TypeVar("_T")
_Line = Annotated[str, Field(min_length=3, max_length=400)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Point(_Strict):
    """One piece of advice in every register; a `serious` point is never rendered playful."""

    tip: _Line
    why: _Line
    example: _Line
    plain: _Line
    technical: _Line
    formal: _Line
    casual: _Line
    warm: _Line
    playful: _Line
    step: _Line
    cautious: _Line
    confident: _Line
    serious: bool = False


class Topic(_Strict):
    """One subject a visitor may ask about; `when` holds a line for each remembered fact that changes the advice."""

    topic: str
    area: str
    asks: tuple[_Line, ...] = Field(min_length=8)
    held_out_asks: tuple[_Line, ...] = Field(min_length=2)
    answer_first: _Line
    points: tuple[Point, ...] = Field(min_length=8)
    when: Mapping[str, _Line]
    warm_openers: tuple[_Line, ...] = Field(min_length=2)
    question_back: tuple[_Line, ...] = Field(min_length=2)

    def plain_lines(self) -> tuple[str, ...]:
        """What a matter-of-fact answer is made of."""
        return (self.answer_first, *(line for point in self.points for line in (point.tip, point.why, point.example)))


class StanceWords(_Strict):
    """How visitors word the two poles of a dimension."""

    positive: tuple[str, ...] = Field(min_length=10)
    negative: tuple[str, ...] = Field(min_length=10)


class Dialogue(_Strict):
    """Small talk: ways of saying something and answers in several voices.

    `declines` where these give no help, `unknown` where they also fit what is about nothing the model knows.
    """

    name: str
    declines: bool = False
    unknown: bool = False
    asks: tuple[str, ...] = Field(min_length=5)
    answers: tuple[str, ...] = Field(min_length=3)
    playful: tuple[str, ...] = ()
    formal: tuple[str, ...] = ()
    concise: tuple[str, ...] = ()
    warm: tuple[str, ...] = ()
    casual: tuple[str, ...] = ()


class Refusals(_Strict):
    """A category of harmful requests and the kind answers to them."""

    name: str
    asks: tuple[str, ...] = Field(min_length=5)
    answers: tuple[str, ...] = Field(min_length=3)


class _Refused(_Strict):
    categories: tuple[Refusals, ...]
    benign: tuple[str, ...]


class _Requests(_Strict):
    """By a second hand: more harmful requests of each category, and more look-alikes."""

    harmful: Mapping[str, tuple[str, ...]]
    harmless: tuple[str, ...]


class FollowUp(_Strict):
    """Ways of asking for the last answer in another form, and the stance that the next one takes."""

    name: str
    asks: tuple[str, ...] = Field(min_length=10)
    stance: Mapping[str, float]


class Corpus(_Strict):
    """Everything authored. `topics` maps the file's stem to its topic.

    `heads` holds topics that the language model never reads: from them the heads learn to tell styles apart in
    text that the model does not know by heart. `harmless` are asks that look like those of `refusals`, `strangers` are
    about nothing that the model knows.
    """

    topics: Mapping[str, Topic]
    heads: Mapping[str, Topic]
    stances: Mapping[str, StanceWords]
    facts: Mapping[str, tuple[str, ...]]
    unrelated: tuple[str, ...]
    dialogues: tuple[Dialogue, ...]
    follow_ups: tuple[FollowUp, ...]
    refusals: tuple[Refusals, ...]
    harmless: tuple[str, ...]
    strangers: tuple[str, ...]

    def training_topics(self) -> dict[str, Topic]:
        """Topics that training may see."""
        return {name: topic for name, topic in self.topics.items() if name not in HELD_OUT_TOPICS}

    def held_out_topics(self) -> dict[str, Topic]:
        """Topics that no stage of training sees."""
        return {name: topic for name, topic in self.topics.items() if name in HELD_OUT_TOPICS}


def load_corpus(folder: Path = FOLDER) -> Corpus:
    """Read and check every file.

    Raises:
        AssetError: a file is missing or does not fit the schema; names the file and the first thing wrong.
    """
    topics = {path.stem: _read(path, TypeAdapter(Topic)) for path in sorted(folder.glob("[a-z]*/*.yaml"))}
    heads = {path.stem: _read(path, TypeAdapter(Topic)) for path in sorted(folder.glob("_heads/*.yaml"))}
    words = folder / "_words"
    facts = _read(words / "facts.yaml", TypeAdapter(dict[str, tuple[str, ...]]))
    refused = _read(words / "refusals.yaml", TypeAdapter(_Refused))
    requests = _read(words / "requests.yaml", TypeAdapter(_Requests))
    return Corpus(
        topics=topics,
        heads=heads,
        stances=_read(words / "stances.yaml", TypeAdapter(dict[str, StanceWords])),
        facts={name: lines for name, lines in facts.items() if name != "unrelated"},
        unrelated=facts["unrelated"],
        dialogues=_read(words / "dialogues.yaml", TypeAdapter(tuple[Dialogue, ...])),
        follow_ups=_read(words / "follow_ups.yaml", TypeAdapter(tuple[FollowUp, ...])),
        refusals=tuple(
            refusal.model_copy(update={"asks": refusal.asks + requests.harmful[refusal.name]})
            for refusal in refused.categories
        ),
        harmless=refused.benign + requests.harmless,
        strangers=_read(words / "strangers.yaml", TypeAdapter(tuple[str, ...])),
    )


def corpus_sha256(folder: Path = FOLDER) -> str:
    """One hash over every file's name and bytes."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.yaml")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def public_records(folder: Path, name: str) -> Iterator[dict[str, object]]:
    """Rows of one public file, `name` as in "pretrain/openstax_ccby"; nothing where it is not there."""
    path = folder / f"{name}.jsonl.xz"
    if not path.exists():
        return
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _read(path: Path, kind: TypeAdapter[_T]) -> _T:
    try:
        return kind.validate_python(_parsed(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise AssetError(
            f"{path.name} is not a usable corpus file: {error}", path=str(path), hint="Correct the file."
        ) from error


def _parsed(text: str) -> object:
    # libyaml, where the wheel brings it, reads the corpus eight times as fast.
    return yaml.load(text, Loader=yaml.CSafeLoader) if yaml.__with_libyaml__ else yaml.safe_load(text)
