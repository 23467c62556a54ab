"""Settings read once from the environment, and the numbers of the decoder. Knows no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from palign.schema import ConfigError

__all__ = ["DecodingConfig", "Settings", "load_settings"]

ASSETS = Path(__file__).resolve().parent.parent / "assets"


class Settings(BaseSettings):
    """Every `PALIGN_*` variable; the README's table and the Spacefile list the same names."""

    model_config = SettingsConfigDict(env_prefix="PALIGN_", env_ignore_empty=True, extra="ignore", frozen=True)

    model: str = Field(default=str(ASSETS / "model"), description="Folder of the base model")
    data: Path = Field(
        default=Path.home() / ".local" / "share" / "palign", description="Folder where memories and votes are stored"
    )
    host: str = Field(
        default="127.0.0.1",
        # The second is what a Space sets, and any other container made for Gradio.
        validation_alias=AliasChoices("PALIGN_HOST", "GRADIO_SERVER_NAME"),
        description="Address the screen listens on",
    )
    max_new_tokens: int = Field(default=384, ge=1, le=2048, description="Longest answer, in tokens")
    threads: int = Field(default=1, ge=1, le=256, description="CPU threads of the engine")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="What is logged")

    @field_validator("data")
    @classmethod
    def _at_home(cls, value: Path) -> Path:
        return value.expanduser()


def load_settings() -> Settings:
    """Read the environment once.

    Raises:
        ConfigError: a variable does not hold a usable value; names the variable.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = "PALIGN_" + "_".join(str(part) for part in first["loc"]).upper()
        raise ConfigError(f"{name} is not usable: {first['msg']}.", hint=f"Correct or unset {name}.") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingConfig:
    """Numbers of one decoding run.

    Attributes:
        max_new_tokens: limit per row.
        temperature: divides logits after guidance; 0 is greedy.
        min_p: a candidate has at least this share of the best token's probability.
        min_p_end: the same for a token that ends the answer: a word this rare is nonsense, an end is only early.
        seed: of each row's own generator.
        reward_scale: the largest multiplier b of the reward, in nats per unit of w . phi.
        kl_per_token: nats; the cap of a turn is this times min(1, (strength max|w|)^2).
        kl_per_answer: nats an answer may spend in all.
        alternatives: rejected candidates kept in the trace.
    """

    max_new_tokens: int = 384
    temperature: float = 0.6
    min_p: float = 0.1
    min_p_end: float = 0.005
    seed: int = 0
    reward_scale: float = 1.25
    kl_per_token: float = 2.0
    kl_per_answer: float = 60.0
    alternatives: int = 4

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ConfigError(f"max_new_tokens is {self.max_new_tokens}.", hint="Use 1 or more.")
        for name, low, high in (
            ("temperature", 0.0, 5.0),
            ("min_p", 0.0, 1.0),
            ("min_p_end", 0.0, 1.0),
            ("reward_scale", 0.0, 100.0),
            ("kl_per_token", 0.0, math.inf),
            ("kl_per_answer", 0.0, math.inf),
        ):
            value = getattr(self, name)
            if math.isnan(value) or not low <= value <= high:
                raise ConfigError(f"{name} is {value}.", hint=f"Use a number from {low:g} to {high:g}.")
        if not 0 <= self.seed < 2**63:
            raise ConfigError(f"seed is {self.seed}.", hint="Use a whole number from 0 to 2^63 - 1.")
