"""One turn, in order, and what feedback does; the product without a screen."""

from palign.chat.parts import Status
from palign.chat.service import ChatService

__all__ = ["ChatService", "Status"]
