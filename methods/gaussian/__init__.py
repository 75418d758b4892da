"""Family: methods that model the fused cube as a Gaussian process."""
