"""The PSF and the SRF of the sensors, estimated from a pair."""
