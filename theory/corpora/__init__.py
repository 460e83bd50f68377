"""Laws of corpora: how often one is typical, mixtures, resampling, large deviations, Metropolis chains."""
