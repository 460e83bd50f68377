"""Sampling from models, and the comparison of what was sampled with what is exact."""
