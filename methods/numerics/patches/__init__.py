"""Patches: clusters of them, and dictionaries."""
