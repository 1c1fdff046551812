# Floor 6: imports come from the floors below.
"""What is likely to go wrong in a training, found before it begins, and the summary of a model."""
