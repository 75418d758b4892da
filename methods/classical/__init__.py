"""Family: component substitution and multiresolution analysis."""
