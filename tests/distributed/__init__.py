"""Groups of ranks: threads of one process, and processes."""
