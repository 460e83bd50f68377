"""Mixtures of adaptors.

Corpora from several adaptors obey other laws than corpora from one.
"""
