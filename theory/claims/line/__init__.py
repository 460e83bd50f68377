r"""The line.

Sentence B: log-likelihood and reward of every corpus sum to $\log Z-\bar I$, and $\bar I$ concentrates.
"""
