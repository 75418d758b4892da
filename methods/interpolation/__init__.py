"""Family: the floor that every method must beat."""
