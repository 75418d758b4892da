"""Doing it: the supervisor, its child processes and their jobs."""
