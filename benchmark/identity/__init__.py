"""What a result depends on, as digests: sources by their syntax, scenes by their content."""
