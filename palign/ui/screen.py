"""The screen: builds it on a `ChatService` and serves it; knows no model and no store."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from palign.chat import ChatService
from palign.schema import ConfigError
from palign.ui.components import read_asset
from palign.ui.handlers import Handlers
from palign.ui.layout import lay_out
from palign.ui.wiring import wire

__all__ = ["build_screen", "serve"]

_HERE = Path(__file__).resolve().parent
_STYLES = [_HERE / "page/page.css", _HERE / "duel/duel.css", _HERE / "memories/memories.css"]
_WAITING = 32


def build_screen(service: ChatService, *, max_new_tokens: int) -> gr.Blocks:
    """The whole page on one service; `max_new_tokens` is the longest answer on offer."""
    blocks = gr.Blocks(title="palign", analytics_enabled=False)
    with blocks:
        wire(blocks, lay_out(max_new_tokens=max_new_tokens), Handlers(service))
    blocks.queue(max_size=_WAITING, default_concurrency_limit=4)
    return blocks


def serve(blocks: gr.Blocks, *, host: str, port: int) -> str:
    """Start serving without blocking; returns the address. No request leaves the machine.

    Raises:
        ConfigError: the port was taken meanwhile.
    """
    system = ["ui-sans-serif", "system-ui", "sans-serif"]
    theme = gr.themes.Default(
        primary_hue="teal", neutral_hue="slate", font=system, font_mono=["ui-monospace", "monospace"]
    )
    try:
        _, address, _ = blocks.launch(
            server_name=host,
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            footer_links=["settings"],
            theme=theme,
            css_paths=_STYLES,
            js=read_asset("page/page.js"),
        )
    except OSError as error:
        raise ConfigError(
            f"Cannot listen on {host}:{port}.", hint="Choose another port: PORT=7861 make run."
        ) from error
    return address
