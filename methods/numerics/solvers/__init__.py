"""Linear algebra that several methods share: subspaces, the Sylvester equation, thresholds, back-projection."""
