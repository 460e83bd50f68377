"""Whether an engine samples the law that its settings name: models to run it on, and the tests of what it wrote."""
