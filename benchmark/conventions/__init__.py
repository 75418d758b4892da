"""Convention profiles: the scores of a stored estimate as the code of each project computes them (`profile_table.score_profile`)."""
