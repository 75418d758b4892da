"""Family: interpolation of the HSI alone, which every fusion method should beat."""
