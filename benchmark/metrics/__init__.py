"""The metrics: one idea a file, float64 on the CPU, each written once from its definition; `textbook.score` computes them all."""
