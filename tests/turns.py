"""The turn that tests of the service ask for: short, greedy, exploring nothing."""

from __future__ import annotations

from palign.chat import ChatService
from palign.schema import TurnRequest, TurnUpdate

QUESTION = "How do I keep my houseplants alive?"
ASK = TurnRequest(QUESTION, temperature=0.0, explore=False, max_new_tokens=48)


def answered(service: ChatService, user: str, request: TurnRequest = ASK) -> TurnUpdate:
    """The last update of a turn."""
    return list(service.reply(user, request))[-1]
