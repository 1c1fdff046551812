"""Benchmarks beside hand-written NumPy, PyTorch, JAX and HIPS autograd: ``python -m tests.benchmarks --help``."""
