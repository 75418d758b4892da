"""CSTF and what it alone uses."""
