"""Judges of style that share no code, word list or text with what they judge: they never see a reward or a prompt."""
