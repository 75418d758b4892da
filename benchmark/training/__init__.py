"""Long trainings beforehand."""
