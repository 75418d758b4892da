"""Long trainings of methods that learn beforehand."""
