"""Files at random, valid, extreme and broken: a command answers, or refuses in one line, quickly and in little memory.

    python -m tests.fuzzing --inputs 20000 --kind run

runs as many as wanted in one process and reports the exit statuses, the slowest input and the largest memory;
``tests/probqual/test_fuzz.py`` runs some hundred.
"""
