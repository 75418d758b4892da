"""One scene reduced to what can be shown: pictures, error maps, spectra, responses, errors by class."""
