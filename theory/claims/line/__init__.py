r"""The line.

Sentence B: the average log-likelihood and the average reward of every corpus sum to $\log Z-\bar I$, and $\bar I$
concentrates at $H$ if $H$ is finite.
"""
