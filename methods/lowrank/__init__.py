"""Low-rank priors on clusters of patches and on tensors."""
