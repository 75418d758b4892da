"""CNMF and what it alone uses."""
