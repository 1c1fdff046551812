# Floor 9: imports come from the floors below.
"""What the benchmarks measure, and how; the command ``minigrad bench`` prints it."""
