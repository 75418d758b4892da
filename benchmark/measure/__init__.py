"""The clock, operations, memory and the environment."""
