"""The named models: C1 to C8, the toy, the words and letters of the speeches, small automata."""
