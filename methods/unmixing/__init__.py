"""Family: endmembers and their abundances, estimated from both images together."""
