"""Cells on other machines."""
