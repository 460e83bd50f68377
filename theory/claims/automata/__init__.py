"""Infinitely many strings.

Probabilistic automata of finitely many states, where sums over all strings are matrix formulas; and what is lost there
by local adaptors, by hot temperatures and by ambiguity.
"""
