"""THE WORLD: scenes, sensors, physics. Imports nothing else of the suite."""
