"""The command line: exact laws, claims and their verdicts."""

from probqual.command_line import main

__all__ = ["main"]
