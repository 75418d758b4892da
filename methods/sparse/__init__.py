"""Sparse codes in learned dictionaries."""
