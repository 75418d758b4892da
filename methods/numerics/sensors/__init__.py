"""Sensor responses estimated from a pair: PSF and SRF."""
