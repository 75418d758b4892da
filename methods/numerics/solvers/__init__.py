"""Linear algebra: subspaces, the Sylvester equation, shrinkage of singular values, back-projection."""
