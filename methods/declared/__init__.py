"""Methods that are declared in a TOML file: a card, and one table that says what does the work."""
