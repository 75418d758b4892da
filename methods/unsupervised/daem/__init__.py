"""DAEM and what it alone uses."""
