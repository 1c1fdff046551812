"""Optimisers: a rule each."""
