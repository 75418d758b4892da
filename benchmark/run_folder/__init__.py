"""What a run keeps on the disk: its paths, records, index and lock. Only the observation and response files need torch."""
