"""PSRT: attention in windows of falling size, with tiles of pixels shuffled between them."""
