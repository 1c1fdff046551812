"""Floor 9: what the benchmarks measure, and how; the command ``minigrad bench`` prints it."""
