"""Named data sets: a file for each, whose docstring is its data sheet (datasets/sets/data_sheet.py)."""
