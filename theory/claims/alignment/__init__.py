r"""Alignment.

What is an aligned model? The prior $p$, tilted by a reward: $p_+=p\,e^{r/\beta}/Z$.
"""
