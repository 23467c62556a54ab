"""Values that cross the edges between rooms, the Protocols they meet behind, and the error tree.

Knows no torch, no database and no screen. Every value is frozen; `dimension` names are keys of `dimensions.CATALOGUE`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Role = Literal["system", "user", "assistant"]
Side = Literal["personal", "generic"]
Outcome = Literal["personal", "generic", "tie", "both-bad"]
Reason = Literal[
    "wrong", "unsafe", "style", "too-long", "too-short", "too-formal", "too-casual", "too-technical", "too-plain"
]
MemoryKind = Literal["constraint", "style", "topical"]
MemorySource = Literal["typed", "saved", "import"]
FinishReason = Literal["stop", "length", "cancelled", "refused"]


# Errors


class PalignError(Exception):
    """Anything a person can mend: what is wrong, and a hint that says what to do.

    PalignError
    ├── ConfigError               a setting or an argument is not usable
    ├── AssetError                a model, head or encoder file is missing, altered or does not fit
    ├── MemoryStoreError          the store cannot be opened, read or written
    │   └── ErasureError          deleted, but not yet gone from the disk
    ├── ContextLengthError        a prompt does not fit the model
    ├── InvalidTextError          a question, preference or memory is empty, too long or not text
    ├── UnknownTurnError          feedback on a turn that is not stored
    ├── UnknownMemoryError        an action on a memory that is not there
    └── UnknownDimensionError     a dimension outside the catalogue
    """

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.args[0]} {self.hint}"


class ConfigError(PalignError):
    """A setting or an argument is not usable."""


class AssetError(PalignError):
    """A shipped or named file is missing, altered or does not fit; the hint holds the command that rebuilds it."""

    def __init__(self, message: str, *, path: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.path = path


class MemoryStoreError(PalignError):
    """The store cannot be opened, read or written; what was acknowledged before is still there."""


class ErasureError(MemoryStoreError):
    """What was to be erased is deleted and no longer found, but its last bytes are still on the disk."""


class ContextLengthError(PalignError):
    """A prompt does not fit the model."""

    def __init__(self, n_tokens: int, limit: int, *, hint: str = "Shorten the question.") -> None:
        super().__init__(f"The text is {n_tokens} tokens long and there is room for {limit}.", hint=hint)
        self.n_tokens = n_tokens
        self.limit = limit


class InvalidTextError(PalignError):
    """A question, preference or memory is empty, too long or not text."""


class UnknownTurnError(PalignError):
    """Feedback on a turn that is not stored."""


class UnknownMemoryError(PalignError):
    """An action on a memory that is not there."""


class UnknownDimensionError(PalignError):
    """A dimension outside the catalogue."""


# Conversation


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a dialogue."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class TopicGuess:
    """The topics of the model's own that a question may be about, best first; none where it is about none of them."""

    titles: tuple[str, ...] = ()
    certainty: Literal["sure", "likely", "weak"] = "weak"


# Memory


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing a user said that is worth keeping, in the user's own words.

    `kind`: constraint (allergy, diet), style (a stated preference), topical (everything else).
    `superseded_by`, `paused` and `expires_at` take a memory out of use without losing it. Times are Unix seconds.
    """

    user_id: str
    id: str
    text: str
    kind: MemoryKind
    source: MemorySource
    created_at: float
    slot: str | None = None
    pinned: bool = False
    paused: bool = False
    provenance: str | None = None
    superseded_by: str | None = None
    expires_at: float | None = None
    uses: int = 0
    last_used_at: float | None = None

    def active(self, now: float) -> bool:
        """Whether the memory may be used at time `now`."""
        expired = self.expires_at is not None and self.expires_at <= now
        return not (self.paused or expired or self.superseded_by is not None)


@dataclass(frozen=True, slots=True)
class MemoryHit:
    """A retrieved memory; `score` is the cosine similarity to the query, in [-1, 1]."""

    memory: Memory
    score: float


# Preferences


@dataclass(frozen=True, slots=True)
class Stance:
    """Where a user stands on one dimension: strength in [-1, 1], positive for the dimension's first pole, 0 neutral.

    `context` limits it to requests of that context ("work"); empty means everywhere.
    """

    dimension: str
    strength: float
    context: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An A/B pick between the two answers of one turn.

    `difference`: Φ(personal) - Φ(generic) by dimension, stored once, under the heads named by `heads_sha256`.
    """

    turn_id: str
    difference: Mapping[str, float]
    outcome: Outcome
    heads_sha256: str


@dataclass(frozen=True, slots=True)
class Thumb:
    """A thumb on one answer; `difference` is Φ(that answer) - Φ(generic), so all zero for the generic one."""

    turn_id: str
    side: Side
    difference: Mapping[str, float]
    up: bool
    reason: Reason | None
    heads_sha256: str


Evidence = Stance | Comparison | Thumb


@dataclass(frozen=True, slots=True)
class PreferenceEvent:
    """One piece of evidence about a user; `source_id` is the memory or turn it came from."""

    id: str
    user_id: str
    created_at: float
    source_id: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class UserProfile:
    """What is believed of a user, folded from the event log: posterior mean and standard deviation by dimension."""

    user_id: str
    mean: Mapping[str, float]
    std: Mapping[str, float]
    events: tuple[PreferenceEvent, ...]


@dataclass(frozen=True, slots=True)
class SafetyVerdict:
    """A refusal is a value, not an exception; `reason` names the category, `reply` is the kind alternative."""

    allowed: bool
    reason: str = ""
    reply: str = ""


# Generation


@dataclass(frozen=True, slots=True)
class Alternative:
    """A candidate token that was not chosen, in nats; `pushes` as in `TokenTrace`."""

    token: str
    base_logprob: float
    logprob: float
    pushes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TokenTrace:
    """One token of an answer and why it is there.

    `token` is the text it added: empty while a character is incomplete. `base_logprob` is the unsteered model's, over
    the whole vocabulary, `logprob` the steered one's, over the candidates, in nats. `pushes` are nats added by
    dimension, centred over the candidates, with an entry `floor`; `kl` is what the step spent.
    """

    token: str
    base_logprob: float
    logprob: float
    pushes: Mapping[str, float]
    kl: float
    alternatives: tuple[Alternative, ...] = ()


@dataclass(frozen=True, slots=True)
class Pane:
    """One of the two answers, as far as it has come. `finish_reason` is None while it runs."""

    text: str = ""
    tokens: tuple[TokenTrace, ...] = ()
    finish_reason: FinishReason | None = None

    @property
    def kl(self) -> float:
        """Nats spent so far."""
        return sum(token.kl for token in self.tokens)


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What a visitor asks for in one turn.

    `strength` scales the learned weights, 0 to 1. `temperature` 0 is greedy. `use_words` puts memories and stated
    words into the personal prompt, `use_weights` lets the reward push; each can be off. `temporary` reads and writes
    nothing. `earlier` is the id of the turn that a follow-up such as "shorter" goes back to; other questions stand for
    themselves.
    """

    text: str
    strength: float = 1.0
    seed: int = 0
    temperature: float = 0.6
    explore: bool = True
    max_new_tokens: int = 384
    use_words: bool = True
    use_weights: bool = True
    temporary: bool = False
    earlier: str = ""


@dataclass(frozen=True, slots=True)
class TurnUpdate:
    """The whole state of a turn, not a delta.

    `weights` are the w used, by dimension; `exploring` what the turn tries beyond what is known; `memories` what the
    personal prompt holds; `stated` what this message taught. `notice` is a sentence for the screen: a refusal's
    reason, an acknowledgement when the message only stated preferences, or empty.
    """

    turn_id: str
    prompt: str
    seed: int
    generic: Pane
    personal: Pane
    finished: bool
    weights: Mapping[str, float] = field(default_factory=dict)
    exploring: tuple[Stance, ...] = ()
    memories: tuple[MemoryHit, ...] = ()
    stated: tuple[Statement, ...] = ()
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one sentence of a visitor stated: the memory kept for it and the events linked to that memory."""

    memory: Memory
    events: tuple[PreferenceEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """A finished turn as stored, so that feedback works from another process.

    `prompt` is the question, a follow-up's the one that it goes back to. `memory_ids` name what either answer may have
    from a memory.
    """

    user_id: str
    id: str
    created_at: float
    prompt: str
    generic: str
    personal: str
    seed: int
    weights: Mapping[str, float]
    memory_ids: tuple[str, ...]
    difference: Mapping[str, float]
    heads_sha256: str


@dataclass(frozen=True, slots=True)
class Learned:
    """What one piece of feedback did.

    `event` is what was stored, and can be undone by its id. `moved` is the change of the posterior mean by dimension,
    empty where the feedback is no evidence; `note` says in one sentence what was learned, or why nothing was.
    """

    event: PreferenceEvent
    moved: Mapping[str, float]
    note: str


# Protocols


class Encoder(Protocol):
    """Turns text into unit vectors; `models.TextEncoder` in production."""

    name: str
    sha256: str
    dim: int

    def encode_query(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N,) texts → (N, E) float32, L2-normalised."""

    def encode_document(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N,) texts → (N, E) float32, L2-normalised."""


class Tokenizer(Protocol):
    """What chat needs of a tokenizer."""

    def encode_chat(self, messages: Sequence[Message]) -> list[int]:
        """Token ids of a dialogue, up to and including the assistant's header."""

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text of the ids, special tokens left out."""
