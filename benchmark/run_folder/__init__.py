"""What a run keeps on the disk: paths, records, index and lock. Only the files of observations and responses need torch."""
