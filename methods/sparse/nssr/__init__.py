"""NSSR and what it alone uses."""
