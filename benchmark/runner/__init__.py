"""Running cells: the supervisor, and the jobs that its child processes do."""
