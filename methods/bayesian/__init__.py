"""Family: explicit priors, solved as one inverse problem."""
