"""What is asked for: plans, cells and their keys."""
