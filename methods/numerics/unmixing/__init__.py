"""Endmembers."""
