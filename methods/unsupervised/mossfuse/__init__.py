"""MossFuse: blind fusion by a network that separates what the two images share from what each of them adds."""
