"""Prompts.

What changes when the prompt is random, and when the reward is known only up to a function of the prompt.
"""
