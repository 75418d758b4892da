"""Running cells: the supervisor, its child processes and their jobs."""
