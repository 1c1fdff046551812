"""Floor 6: what is likely to go wrong in a training, found before it begins, and the summary of a model."""
