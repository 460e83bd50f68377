"""Metropolis chains.

How local samples become global ones, how fast, and what successive states do to corpora.
"""
