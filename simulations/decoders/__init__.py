"""Decoders whose next-token laws are known: trees, dense trees, tiny torch models."""
