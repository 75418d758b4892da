"""What is to be run: plans, their cells, and the keys of cells."""
