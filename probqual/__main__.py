"""``python -m probqual``."""

from probqual.command_line import main

if __name__ == "__main__":  # not in the worker processes of a command
    main()
