"""Shared mathematics of the methods: solvers, resampling, subspaces. No method of its own."""
