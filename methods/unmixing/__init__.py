"""Family: endmembers and abundances, estimated from both images together."""
