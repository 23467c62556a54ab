"""Guided decoding: the generic and the personalized row in one batch, steered token by token within a KL budget."""

from palign.decoding.decoder import DecodingStep, GuidedDecoder, StepAlternative
from palign.decoding.steering import Steered, steer

__all__ = ["DecodingStep", "GuidedDecoder", "Steered", "StepAlternative", "steer"]
