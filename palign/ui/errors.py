"""Turns what goes wrong in a handler into one line on the screen; the project's only broad except is here."""

from __future__ import annotations

import html
import logging
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import wraps
from typing import ParamSpec, TypeVar

import gradio as gr

from palign.schema import PalignError

__all__ = ["guarded", "guarded_stream"]

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)
_NEUTRAL = "Something went wrong here. What you saved is safe; please try again."


def _shown(error: Exception) -> gr.Error:
    """A `PalignError` with its hint; anything else as one neutral line, its traceback in the log."""
    if isinstance(error, PalignError):
        # The message is shown as markup, and it may quote a file.
        return gr.Error(html.escape(str(error), quote=False), title="That did not work", print_exception=False)
    _log.error("A handler failed.", exc_info=error)
    return gr.Error(_NEUTRAL, title="Unexpected", print_exception=False)


def guarded(handler: Callable[P, T]) -> Callable[P, T]:
    """A handler whose errors reach the screen."""

    @wraps(handler)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return handler(*args, **kwargs)
        except Exception as error:
            raise _shown(error) from error

    return run


def guarded_stream(
    handler: Callable[P, Generator[T, None, None]], broken: Callable[[T], T]
) -> Callable[P, Iterator[T]]:
    """A streaming handler whose errors reach the screen. GeneratorExit is no error and passes.

    `broken` turns the last value into the one that says it failed, sent before the error: a browser reports a stream
    that was stopped as failed now and then, so that its word alone does not tell the two apart.
    """

    @wraps(handler)
    def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        sent: list[T] = []
        try:
            with closing(handler(*args, **kwargs)) as stream:
                for value in stream:
                    sent[:] = [value]
                    yield value
        except Exception as error:
            shown = _shown(error)
            for value in sent:
                yield broken(value)
            raise shown from error

    return run
