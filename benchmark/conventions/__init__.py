"""Convention profiles: one stored estimate, scored as the code of each paper or library does; `table.score_profile` is the way in."""
