"""The commands: one file per command, with its arguments and the text that it returns. Only run_benchmark.py prints, and draws reports."""
