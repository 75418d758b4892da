"""What is measured of a method: seconds, memory, operations, whether its estimate is valid; and the environment of a run."""
