"""The commands: one file each, with its arguments and the text that it returns. Only run_benchmark.py prints, and draws reports."""
