"""THE WORLD: scenes, sensors and the physics that joins them. It imports nothing else of the suite."""
