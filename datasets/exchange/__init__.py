"""Files by which images go to a program in any language, and come back from it: MATLAB, HDF5 and numpy alike, with one order of axes."""
