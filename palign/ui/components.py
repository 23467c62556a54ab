"""The screen's own components: constant markup, painted by a script from a JSON value; knows no handler.

Text from people travels only inside values and reaches the page through `textContent`.
"""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from palign.ui.packing import Packed

__all__ = ["duel", "header", "memory_list", "notes", "read_asset", "status_line"]

_HERE = Path(__file__).resolve().parent


def read_asset(name: str) -> str:
    """The text of a file beside this module."""
    return (_HERE / name).read_text(encoding="utf-8")


def painted(source: str, value: Packed | str, *, elem_id: str) -> gr.HTML:
    """Constant markup and a script that paints the value into it: `source`.html and `source`.js.

    A name quoted in the script's `trigger(…)` is an event of the component: `painted("duel/duel", …).vote(…)`.
    """
    # Not subclasses: for each one the library writes a stub file beside this module when it is imported.
    return gr.HTML(
        value,
        html_template=read_asset(f"{source}.html"),
        js_on_load=read_asset(f"{source}.js"),
        apply_default_css=False,
        elem_id=elem_id,
    )


def duel(value: Packed) -> gr.HTML:
    """The two answers. Events: `rate`, `vote`, `explore`; duel.js says what they carry."""
    return painted("duel/duel", value, elem_id="duel")


def memory_list() -> gr.HTML:
    """What is remembered and was voted. Events: `act`, `retract`, `export`, `forget`."""
    return painted("memories/memories", {}, elem_id="memories")


def notes(elem_id: str) -> gr.HTML:
    """What was just understood or learned. Event: `undo`."""
    return painted("notes/notes", {}, elem_id=elem_id)


def status_line() -> gr.HTML:
    """One announced line of plain text."""
    return painted("page/status", "", elem_id="status")


def header() -> gr.HTML:
    """The idea in one sentence, and the switch between light and dark."""
    return painted("page/header", "", elem_id="top")
