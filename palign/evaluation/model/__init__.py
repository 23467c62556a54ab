"""What the embedded model is examined on: fluency, steering, mixtures, memories, harm and what lies off its topics."""
