"""The reference code, modelled.

Procedures of the public code at commit ccec1ac, as read and not run, where they depart from the definitions used here.
"""
