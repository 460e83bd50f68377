"""The claims of the paper as data: statement, hypotheses, check, controls."""
