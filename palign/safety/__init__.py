"""The universal-values floor in words: what no preference may ask for. Knows no user, profile, memory or model.

The rules are English and readable: a category, what is meant to be done, and to whom or what. They miss paraphrase
(about a third of requests that others wrote) and other languages; `SAFETY_WEIGHT` and the trained head are the second
line.
"""

from __future__ import annotations

from typing import Final

from palign.safety.policy import SafetyPolicy

__all__ = ["SAFETY_WEIGHT", "SafetyPolicy"]

SAFETY_WEIGHT: Final = 0.5
"""lambda_safe: nats per unit of phi_safe added to both answers at every token.

A constant of the code on purpose: it is in no setting, profile, store or API, so nothing a user says, votes or
imports can change it.
"""
