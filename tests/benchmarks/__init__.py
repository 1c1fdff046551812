"""Benchmarks: run them with ``python -m tests.benchmarks``."""
