"""Adaptors.

Sentence C: how temperature and truncation, local and global, move E L and E R, and which pairs of means can be reached.
"""
