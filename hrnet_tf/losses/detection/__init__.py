"""What detectors are to learn from a batch, and what their errors cost."""
