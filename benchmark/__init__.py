"""THE REFEREE: plans, cells, the clock, the scores, the records."""
