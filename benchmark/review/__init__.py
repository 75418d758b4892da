"""After a run, or before one: status, explanations, comparisons, merges, new scores, forecasts, listings."""
