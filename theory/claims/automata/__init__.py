"""Infinitely many strings.

Probabilistic automata of finitely many states, where sums over all strings are matrix formulas. On them local adaptors
can lose mass, high global temperatures have no law, and ambiguity makes sums over paths differ from sums over strings.
"""
