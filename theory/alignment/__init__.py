"""The law that a reward makes of a prior, and best-of-n beside it."""
