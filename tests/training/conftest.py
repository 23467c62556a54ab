"""A tokenizer and a model small enough to train in a test, made once."""

from __future__ import annotations

import pytest
from authored import corpus, sampler_of
from smallest import TINY
from transformers import AutoTokenizer

from palign.models.encoder import TextEncoder
from palign.training.language import (
    new_language_model,
)
from palign.training.tokenizer import train_tokenizer


@pytest.fixture(scope="package")
def tokenizer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    train_tokenizer(corpus(), folder / "no public text", folder, vocabulary=TINY.vocabulary, context=TINY.context)
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="package")
def encoder():
    return TextEncoder.load()


@pytest.fixture(scope="package")
def tiny(tokenizer, encoder):
    return new_language_model(TINY, tokenizer, encoder).eval().requires_grad_(False)


@pytest.fixture(scope="package")
def sampler():
    return sampler_of(corpus())
