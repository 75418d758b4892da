"""What is read from run folders: status, explanations, comparisons, merges, new scores, forecasts; and the lists of what there is."""
