"""Endmembers of an image."""
