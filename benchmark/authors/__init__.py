"""For the authors of methods: the contract as checks, and a scaffold for a new method."""
