"""One file a command: NAME.py holds the function NAME, whose docstring is the help and whose arguments are the options.

A file is imported for every list of commands, so on import it needs no more than typer; what a command works with is
imported when it is called.
"""
