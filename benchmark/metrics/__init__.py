"""The metrics: one idea per file, in float64 on the CPU, each written once, from its definition; `scoring.score_cell` computes them all."""
