"""The figures, one file per figure, and what they share."""
