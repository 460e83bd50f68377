"""Mixtures of adaptors.

Corpora that are drawn from several adaptors can trade off although those from each adaptor alone do not.
"""
