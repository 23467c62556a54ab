"""Links components to handlers: reads inputs, turns pages into component values, catches errors at the edge."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
from gradio.events import Dependency

from palign.schema import ConfigError, TurnRequest
from palign.ui import wording
from palign.ui.errors import guarded, guarded_stream
from palign.ui.handlers import Handlers, Note, new_seed, stated_notes
from palign.ui.identity import new_saved, user_id
from palign.ui.layout import AGAIN, RETRY, SUGGESTED, Parts
from palign.ui.packing import Packed
from palign.ui.session import Session, duel_value

__all__ = ["wire"]

_GREEDY = "↻ Retry: at temperature 0 it would repeat the answer"
_READY = "↻ Retry"
_UNANSWERED = "That question was not answered."
# One question at a time until the decoder batches several; the queue is shared by every way of asking.
_ENGINE: dict[str, Any] = {"concurrency_id": "engine", "concurrency_limit": 1}
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}


def make_request(text: str, *numbers: Any) -> TurnRequest:
    """A request from the Tune panel's values, in the order of `Tune.inputs`.

    Raises:
        ConfigError: the seed is not a whole number, or a number is missing.
    """
    strength, seed, temperature, longest, explore, words, weights = numbers
    try:
        return TurnRequest(
            text=text,
            strength=float(strength),
            seed=int(seed),
            temperature=float(temperature),
            explore=bool(explore),
            max_new_tokens=int(longest),
            use_words=bool(words),
            use_weights=bool(weights),
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise ConfigError("A number under Tune is missing.", hint="Fill in strength, seed and temperature.") from error


@dataclass(frozen=True, slots=True)
class _Gestures:
    """The handlers as Gradio calls them: component values in, component values out, in the order wired below."""

    handlers: Handlers

    # Opening

    def open(self, saved: object) -> list[Any]:
        try:
            user_id(saved)
        except ConfigError:
            saved = new_saved()
        return [saved, *self._listed(saved), self.handlers.status(Session())]

    # Asking

    def start(self, event: gr.EventData, session: Session, text: str, *numbers: Any) -> list[Any]:
        # By its id: after an update the library hands out a copy of a component.
        asked, seed = event.target.elem_id if event.target else "", numbers[1]
        if asked == RETRY:
            seed = new_seed()
        again = asked in (RETRY, AGAIN)
        request = make_request(SUGGESTED.get(asked or "", text or ""), numbers[0], seed, *numbers[2:])
        request = self.handlers.request(session, request, again=again)
        from_box = not again and asked not in SUGGESTED
        page = session.asking(from_box=from_box)
        composer = _composer(running=True, value="" if from_box else None)
        repeats = self._repeats(page, numbers[2])
        return [duel_value(page), page, request, "Thinking…", composer, _notes(), _notes(), seed, *repeats]

    def run(self, saved: object, session: Session, request: TurnRequest) -> Generator[list[Any], None, None]:
        for page in self.handlers.stream(saved, session, request):
            yield [duel_value(page), page]

    def broken(self, sent: list[Any]) -> list[Any]:
        """The last page once more, for a stream that failed."""
        page = sent[1].in_phase("failed")
        return [duel_value(page), page]

    # The three ends of a turn read no store, so that the composer comes back whatever is wrong with it.

    def finish(self, session: Session, request: TurnRequest | None, temperature: float, typed: str) -> list[Any]:
        # The page itself stays: a vote may have changed it since the last word.
        ended = [self.handlers.status(session), _composer(running=False), *self._repeats(session, temperature)]
        return [*ended, gr.skip(), gr.skip()]

    def stop(self, session: Session, request: TurnRequest | None, temperature: float, typed: str) -> list[Any]:
        page = self.handlers.halt(session, "stopped")
        composer = _composer(running=False, value=self.handlers.unsaid(session, request, typed))
        return [self.handlers.status(page), composer, *self._repeats(page, temperature), duel_value(page), page]

    def explain(self, session: Session, request: TurnRequest | None, temperature: float, typed: str) -> list[Any]:
        # An error marks the page it reached as failed; without that mark it was Stop that broke the stream off.
        page = self.handlers.halt(session, "failed" if session.phase == "failed" else "stopped")
        status = _UNANSWERED if session.phase == "waiting" else self.handlers.status(page)
        composer = _composer(running=False, value=self.handlers.unsaid(session, request, typed))
        return [status, composer, *self._repeats(page, temperature), duel_value(page), page]

    def tell(self, saved: object, session: Session) -> list[Any]:
        """What the turn taught, and the list with it."""
        return [_notes(*stated_notes(session.stated)) if session.stated else gr.skip(), *self._listed(saved)]

    def greedy(self, session: Session, temperature: float) -> list[Any]:
        return self._repeats(session, temperature)

    def _repeats(self, session: Session, temperature: float | None) -> list[Any]:
        """Retry and Again: only with something to repeat; Retry needs chance as well."""
        idle = session.repeatable
        retry = gr.Button(_GREEDY if temperature == 0 else _READY, interactive=idle and temperature != 0)
        return [retry, gr.Button(interactive=idle)]

    # Feedback

    def vote(self, event: gr.EventData, saved: object, session: Session) -> list[Any]:
        page, note = self.handlers.vote(saved, session, _detail(event))
        return [duel_value(page), page, _notes(note), *self._listed(saved)]

    def rate(self, event: gr.EventData, saved: object, session: Session) -> list[Any]:
        page, note = self.handlers.rate(saved, session, _detail(event))
        return [duel_value(page), page, _notes(note), *self._listed(saved)]

    def undo(self, event: gr.EventData, saved: object, session: Session) -> list[Any]:
        page = self.handlers.undo(saved, session, str(_detail(event).get("key", "")))
        return [duel_value(page), page, _notes(Note("Taken back.")), *self._listed(saved)]

    def explore(self, event: gr.EventData) -> bool:
        return _detail(event).get("on") is True

    # Memories and votes

    def remember(self, saved: object, text: str) -> list[Any]:
        return ["", _notes(*self.handlers.state(saved, text or "")), *self._listed(saved)]

    def change(self, event: gr.EventData, saved: object, gone: str) -> list[Any]:
        change = self.handlers.change(saved, gone, _detail(event))
        return [change.gone, *self._listed(saved, note=change.note, undo=bool(change.gone))]

    def retract(self, event: gr.EventData, saved: object, session: Session) -> list[Any]:
        page, change = self.handlers.retract(saved, session, str(_detail(event).get("id", "")))
        return [duel_value(page), page, _notes(), change.gone, *self._listed(saved, note=change.note, undo=True)]

    def export(self, saved: object) -> list[Any]:
        return self._listed(saved, note="Exported.", download=self.handlers.export(saved))

    def forget(self, event: gr.EventData, saved: object, session: Session) -> list[Any]:
        fresh, note = self.handlers.forget(saved, str(_detail(event).get("text", "")))
        page = Session(n=session.n + 1)  # newer than what is painted, or the forgotten question would stay
        listed = self._listed(fresh, note=note, erased=True)
        rest = [self.handlers.status(page), _composer(running=False)]
        return [fresh, page, None, "", duel_value(page), _notes(), _notes(), *rest, *listed]

    def _listed(self, saved: object, **extra: object) -> list[Any]:
        """The list of memories and votes, and the button that counts the memories."""
        memories, votes = self.handlers.memories(saved), self.handlers.votes(saved)
        items = [
            {
                "id": memory.id,
                "text": memory.text,
                "line": wording.memory_line(memory),
                "pinned": memory.pinned,
                "paused": memory.paused,
            }
            for memory in memories
        ]
        value = {"items": items, "votes": [asdict(vote) for vote in votes]}
        label = f"Memories · {len(memories)}" if memories else "Memories"
        return [{**value, "where": self.handlers.where_kept(), **extra}, gr.Button(label)]


def _detail(event: gr.EventData) -> Mapping[str, object]:
    """What a browser sent with an event; nothing where it sent no object."""
    sent = event._data
    return sent if isinstance(sent, Mapping) else {}


def _composer(*, running: bool, value: str | None = None) -> gr.Textbox:
    """The composer with its arrow or its square; None keeps what is typed."""
    if value is None:
        return gr.Textbox(submit_btn=not running, stop_btn=running)
    return gr.Textbox(value=value, submit_btn=not running, stop_btn=running)


def _notes(*notes: Note) -> Packed:
    return {"items": [{"text": note.text, "key": note.key} for note in notes]}


def wire(blocks: gr.Blocks, parts: Parts, handlers: Handlers) -> None:
    """Attach every listener. Call inside `blocks`, which holds `parts`."""
    gestures = _Gestures(handlers)
    answering = _wire_asking(parts, gestures)
    _wire_feedback(parts, gestures)
    _wire_memories(parts, gestures, answering)
    listed = [parts.memories, parts.open_memories]
    blocks.load(guarded(gestures.open), [parts.saved], [parts.saved, *listed, parts.status], **_QUIET)


def _wire_asking(parts: Parts, gestures: _Gestures) -> Dependency:
    """Returns the link that streams an answer, for those who break it off."""
    tune, temperature = parts.tune, parts.tune.temperature
    page, repeats = [parts.duel, parts.session], [parts.retry, tune.again]
    ways = [parts.composer.submit, parts.retry.click, tune.again.click, *(prompt.click for prompt in parts.prompts)]
    ask = gr.on(
        ways,
        guarded(gestures.start),
        [parts.session, parts.composer, *tune.inputs()],
        [*page, parts.request, parts.status, parts.composer, parts.understood, parts.learned, tune.seed, *repeats],
        **_QUIET,
    )
    run: Dependency = ask.success(
        guarded_stream(gestures.run, gestures.broken),
        [parts.saved, parts.session, parts.request],
        page,
        **_ENGINE,
        **_QUIET,
    )
    # Cancelling must name the stream's own link: the end of the chain would let the stream run on.
    stop = parts.composer.stop(None, cancels=[run], **_QUIET)
    # Outside the queue: where that is full, a refused end would leave the composer on Stop.
    end: dict[str, Any] = {
        "inputs": [parts.session, parts.request, temperature, parts.composer],
        "outputs": [parts.status, parts.composer, *repeats, *page],
        "queue": False,
        **_QUIET,
    }
    ways_to_end = (
        run.success(guarded(gestures.finish), **end),
        run.failure(guarded(gestures.explain), **end),  # what was stated before it failed is kept
        stop.then(guarded(gestures.stop), **end),
    )
    for ended in ways_to_end:
        known = [parts.understood, parts.memories, parts.open_memories]
        ended.then(guarded(gestures.tell), [parts.saved, parts.session], known, **_QUIET)
    temperature.change(guarded(gestures.greedy), [parts.session, temperature], repeats, **_QUIET)
    return run


def _wire_feedback(parts: Parts, gestures: _Gestures) -> None:
    page = [parts.duel, parts.session]
    inputs = [parts.saved, parts.session]
    listed = [parts.memories, parts.open_memories]
    parts.duel.vote(guarded(gestures.vote), inputs, [*page, parts.learned, *listed], **_QUIET)
    parts.duel.rate(guarded(gestures.rate), inputs, [*page, parts.learned, *listed], **_QUIET)
    parts.duel.explore(guarded(gestures.explore), None, parts.tune.explore, **_QUIET)
    for notes in (parts.understood, parts.learned):
        notes.undo(guarded(gestures.undo), inputs, [*page, notes, *listed], **_QUIET)


def _wire_memories(parts: Parts, gestures: _Gestures, answering: Dependency) -> None:
    listed = [parts.memories, parts.open_memories]
    for asked in (parts.prefer.submit, parts.remember.click):
        asked(
            guarded(gestures.remember),
            [parts.saved, parts.prefer],
            [parts.prefer, parts.understood, *listed],
            **_QUIET,
        )
    page, inputs = [parts.duel, parts.session], [parts.saved, parts.session]
    parts.memories.act(guarded(gestures.change), [parts.saved, parts.gone], [parts.gone, *listed], **_QUIET)
    retracted = [*page, parts.learned, parts.gone, *listed]
    parts.memories.retract(guarded(gestures.retract), inputs, retracted, **_QUIET)
    parts.memories.export(guarded(gestures.export), [parts.saved], listed, **_QUIET)
    everything = [parts.saved, parts.session, parts.request, parts.gone, parts.duel, parts.understood, parts.learned]
    everything += [parts.status, parts.composer]
    # An answer under way was asked by who is to be forgotten, and must end first: listeners run in this order.
    parts.memories.forget(None, cancels=[answering], **_QUIET)
    parts.memories.forget(guarded(gestures.forget), inputs, [*everything, *listed], **_QUIET)
    parts.open_memories.click(_open_sidebar, None, parts.sidebar, queue=False, **_QUIET)


def _open_sidebar() -> gr.Sidebar:
    return gr.Sidebar(open=True)
