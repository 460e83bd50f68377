"""The numbers of ``probqual exact``."""
