"""Where everything stands on the screen; knows components and no handler."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from palign.ui import components
from palign.ui.identity import STORAGE_KEY, STORAGE_SECRET
from palign.ui.session import Session, duel_value

__all__ = ["AGAIN", "RETRY", "SUGGESTED", "Parts", "Tune", "lay_out"]

RETRY, AGAIN = "retry", "again"
# By the id of the button that asks it.
SUGGESTED = {
    "ask-plants": "How do I keep my houseplants alive?",
    "ask-dinner": "What should I cook tonight?",
    "ask-guitar": "How do I start playing guitar?",
    "ask-inflation": "What is inflation?",
}
_PREFER_HINT = "Tell me how you like answers… e.g. short, playful, no jargon; I’m vegetarian"
_STRENGTH_INFO = "0: learned preferences push no word"
_WORDS_INFO = "memories and stated words go into the prompt"
_WEIGHTS_INFO = "learned preferences push each word"
_EXPLORE_INFO = "while little is known, the second answer tries styles you may like"


@dataclass(frozen=True, slots=True)
class Tune:
    """The numbers of a turn, in the order in which `wiring` reads them."""

    strength: gr.Slider
    seed: gr.Number
    temperature: gr.Slider
    max_new_tokens: gr.Slider
    explore: gr.Checkbox
    use_words: gr.Checkbox
    use_weights: gr.Checkbox
    again: gr.Button

    def inputs(self) -> list[gr.components.Component]:
        """The components that make a request."""
        return [
            self.strength,
            self.seed,
            self.temperature,
            self.max_new_tokens,
            self.explore,
            self.use_words,
            self.use_weights,
        ]


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a listener needs to name."""

    saved: gr.BrowserState
    session: gr.State
    request: gr.State
    gone: gr.State
    prefer: gr.Textbox
    remember: gr.Button
    open_memories: gr.Button
    understood: gr.HTML
    duel: gr.HTML
    status: gr.HTML
    retry: gr.Button
    learned: gr.HTML
    prompts: tuple[gr.Button, ...]
    composer: gr.Textbox
    tune: Tune
    sidebar: gr.Sidebar
    memories: gr.HTML


def lay_out(*, max_new_tokens: int) -> Parts:
    """Place the components inside the open Blocks; `max_new_tokens` is the longest answer on offer."""
    saved = gr.BrowserState(None, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
    session, request, gone = gr.State(Session()), gr.State(None), gr.State("")
    sidebar, memories = _sidebar()
    components.header()
    prefer, remember, open_memories = _preferences()
    understood = components.notes("understood")
    duel = components.duel(duel_value(Session()))
    learned = components.notes("learned")
    with gr.Row(elem_id="under"):
        status = components.status_line()
        retry = gr.Button("↻ Retry", size="sm", min_width=90, interactive=False, elem_id=RETRY)
    with gr.Row(elem_id="prompts"):
        prompts = tuple(gr.Button(text, size="sm", min_width=90, elem_id=name) for name, text in SUGGESTED.items())
    composer = _composer()
    tune = _tune(max_new_tokens)
    return Parts(
        saved=saved,
        session=session,
        request=request,
        gone=gone,
        prefer=prefer,
        remember=remember,
        open_memories=open_memories,
        understood=understood,
        duel=duel,
        status=status,
        retry=retry,
        learned=learned,
        prompts=prompts,
        composer=composer,
        tune=tune,
        sidebar=sidebar,
        memories=memories,
    )


def _sidebar() -> tuple[gr.Sidebar, gr.HTML]:
    with gr.Sidebar(open=False, position="right", width=340, elem_id="side") as sidebar:
        memories = components.memory_list()
    return sidebar, memories


def _preferences() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_id="prefer"):
        box = gr.Textbox(
            label="How you like answers, or something about you",
            show_label=False,
            placeholder=_PREFER_HINT,
            lines=1,
            max_lines=4,
            scale=1,
            container=False,
            interactive=True,
        )
        remember = gr.Button("Remember", size="md", scale=0, min_width=110)
        open_memories = gr.Button("Memories", size="md", scale=0, min_width=140, elem_id="open-memories")
    return box, remember, open_memories


def _composer() -> gr.Textbox:
    return gr.Textbox(
        label="Your question",
        show_label=False,
        placeholder="Ask anything",
        lines=1,
        max_lines=6,
        submit_btn=True,
        stop_btn=False,
        container=False,
        interactive=True,
        autofocus=True,
        elem_id="composer",
    )


def _tune(max_new_tokens: int) -> Tune:
    with gr.Accordion("Tune", open=False, elem_id="tune"):
        with gr.Row():
            strength = gr.Slider(0, 1, value=1, step=0.05, label="Strength", info=_STRENGTH_INFO)
            temperature = gr.Slider(0, 1.5, value=0.6, step=0.1, label="Temperature", info="0 is greedy: no chance")
            longest = gr.Slider(
                min(1, max_new_tokens - 1),  # below the other end also where that is 1; then nothing can be moved
                max_new_tokens,
                value=max_new_tokens,
                step=1,
                interactive=max_new_tokens > 1,
                label="Longest answer",
                info="in tokens",
                elem_id="longest",
            )
            seed = gr.Number(value=7, precision=0, minimum=0, label="Seed", info="one for both answers")
        with gr.Row():
            words = gr.Checkbox(True, label="Use my words", info=_WORDS_INFO)
            weights = gr.Checkbox(True, label="Use learned weights", info=_WEIGHTS_INFO)
            explore = gr.Checkbox(True, label="Try new styles", info=_EXPLORE_INFO)
        again = gr.Button("Answer again with these numbers", size="sm", interactive=False, elem_id=AGAIN)
    return Tune(strength, seed, temperature, longest, explore, words, weights, again)
