"""Adaptors.

Sentence C: what temperature and truncation do to the two means, locally and globally, and what can be reached.
"""
