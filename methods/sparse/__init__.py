"""Family: sparse codes in learned dictionaries."""
