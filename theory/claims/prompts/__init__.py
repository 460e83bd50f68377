"""Prompts.

Everything again when the prompt is random, and the reward known up to a function of it.
"""
