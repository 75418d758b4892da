"""Family: networks that learn from observations alone, never from truth."""
