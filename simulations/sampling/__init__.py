"""Draws from laws, chains and decoders, and the log-probabilities of what was drawn."""
