"""Mixtures of adaptors.

Corpora drawn from several adaptors can have Cov(Lbar, Rbar) < 0 although those from each adaptor alone do not.
"""
