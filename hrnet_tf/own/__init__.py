"""Data of the user's own: what they are, what is wrong with them, how to train."""
