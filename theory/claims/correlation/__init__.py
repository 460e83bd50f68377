"""Correlation.

Sentence A: the correlation of average likelihood and average reward. Averaging independent strings leaves it as it is;
conditioning on typicality, the choice of measure, ranks and resampling change it.
"""
