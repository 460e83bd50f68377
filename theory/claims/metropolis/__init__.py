"""Metropolis chains.

Independent Metropolis-Hastings: which ratio turns local samples into global ones, how fast the chain approaches its
target, how often it accepts, and what the dependence of its states does to the correlation of corpora.
"""
