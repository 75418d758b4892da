"""LTMR and what it alone uses."""
