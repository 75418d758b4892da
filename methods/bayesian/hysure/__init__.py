"""HySure and what it alone uses."""
