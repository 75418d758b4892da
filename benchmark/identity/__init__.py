"""What a result depends on, as digests: sources as syntax, scenes by their content."""
