"""MossFuse: blind fusion by a network that decouples what the two images share from what each adds."""
