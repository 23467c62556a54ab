"""The parts that hold weights: the base language model with its tokenizer, and the sentence encoder."""
