"""Cells that are run on other machines."""
