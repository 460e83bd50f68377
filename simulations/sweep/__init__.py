"""Thousands of random exact models through the claims: how often what the claims allow does happen."""
