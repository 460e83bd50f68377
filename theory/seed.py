"""The seed of what the report shows."""

SEED = 20240610203
"""Of the random laws that the claims are checked on, and of the draws that repeat them: the paper's number on arXiv."""
