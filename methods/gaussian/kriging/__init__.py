"""Spectral kriging and what it alone uses."""
