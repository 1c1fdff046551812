"""Normalisations of a batch."""
