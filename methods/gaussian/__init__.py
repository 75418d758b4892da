"""Methods that see the fused cube as a Gaussian process."""
