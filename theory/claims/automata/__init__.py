"""Infinitely many strings.

Probabilistic automata, where sums over all strings are matrix formulas.
"""
