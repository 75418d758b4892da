"""Family: low-rank priors on clusters of patches and on tensors."""
