"""Networks: how they are fitted to a scene or to examples, and the parts that several methods share."""
