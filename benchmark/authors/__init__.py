"""For authors of methods: the contract as checks, and scaffolds."""
