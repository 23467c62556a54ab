"""palign: personalized alignment of language models at decoding time."""

__version__ = "0.1.0"
