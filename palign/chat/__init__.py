"""One turn, in order, and what feedback does; the product without a screen."""

from palign.chat.service import ChatService, Status

__all__ = ["ChatService", "Status"]
