"""Family: networks that learn beforehand, from pairs with their truth."""
