"""Family: networks that learn beforehand from pairs and their truth."""
