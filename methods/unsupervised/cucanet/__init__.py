"""CUCaNet and what it alone uses."""
