"""From decoding steps to the two panes a person reads: text pieces, pushes by name, alternatives. Knows no model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from palign.decoding import DecodingStep, StepAlternative
from palign.schema import Alternative, FinishReason, Pane, Tokenizer, TokenTrace

__all__ = ["PaneWriter"]

_INCOMPLETE = "\ufffd"


class PaneWriter:
    """Grows one pane.

    Attributes:
        token_ids: what the text is made of, the end mark included once it came; none where it was replaced.
        checked: characters that the safety check has read.
    """

    def __init__(self, tokenizer: Tokenizer, dimensions: Sequence[str]) -> None:
        self._tokenizer = tokenizer
        self._dimensions = tuple(dimensions)
        self._text_ids: list[int] = []
        self._traces: list[TokenTrace] = []
        self._text = ""
        self._finish: FinishReason | None = None
        self.token_ids: list[int] = []
        self.checked = 0

    @property
    def pane(self) -> Pane:
        """The pane so far."""
        return Pane(self._text, tuple(self._traces), self._finish)

    def add(self, step: DecodingStep) -> None:
        """Append one step; a pane that has ended, because its text was replaced, takes no more."""
        if self._finish is not None:
            return
        self.token_ids.append(step.token_id)
        self._finish = step.ended
        if step.ended == "stop":
            self._traces.append(self._trace("", step))
            return
        self._text_ids.append(step.token_id)
        whole = self._tokenizer.decode(self._text_ids)
        # A character split over tokens decodes to a replacement mark until it is whole; its text goes to the last.
        settled = whole.rstrip(_INCOMPLETE) if step.ended is None else whole
        piece = settled[len(self._text) :]
        self._text = settled if len(settled) > len(self._text) else self._text
        self._traces.append(self._trace(piece, step))

    def close(self, reason: FinishReason) -> None:
        """End the pane from outside, where it has not ended by itself."""
        if self._finish is None:
            self._finish = reason

    def replace(self, text: str, reason: FinishReason) -> None:
        """Put `text` in place of what was written: a check withheld it."""
        self._text, self._traces, self._finish = text, [], reason
        self.token_ids = []

    def _trace(self, piece: str, step: DecodingStep) -> TokenTrace:
        others = tuple(
            Alternative(
                self._tokenizer.decode([other.token_id]), other.base_logprob, other.logprob, self._pushes(other)
            )
            for other in step.alternatives
        )
        return TokenTrace(piece, step.base_logprob, step.logprob, self._pushes(step), step.kl, others)

    def _pushes(self, step: DecodingStep | StepAlternative) -> dict[str, float]:
        named: Iterable[tuple[str, float]] = zip(self._dimensions, step.pushes, strict=True)
        return {**{name: value for name, value in named if value}, "floor": step.floor}
