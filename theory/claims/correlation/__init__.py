"""Correlation.

Sentence A: does that make them trade off? Averaging does not; conditioning, measures, ranks and pools do things of
their own.
"""
