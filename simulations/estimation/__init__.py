"""Estimates from sampled strings with intervals over prompts; what they are sampled from and how is not known here."""
