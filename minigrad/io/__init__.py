"""Floor 5: checkpoints."""
