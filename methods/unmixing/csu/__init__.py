"""CSU and what it alone uses."""
