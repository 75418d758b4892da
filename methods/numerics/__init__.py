"""Mathematics that several methods share. There is no method in this folder."""
