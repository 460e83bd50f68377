"""The reference code, modelled.

Procedures of the public code at commit ccec1ac that depart from the definitions used here; the code was read, not run.
"""
