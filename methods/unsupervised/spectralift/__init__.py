"""SpectraLift and what it alone uses."""
