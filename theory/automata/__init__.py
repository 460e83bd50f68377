"""Exact sums over infinitely many strings: path sums, spectral radii, moments, adaptors, typical corpora."""
