"""`python -m streams.cli`, which the launcher starts once the Python environment is complete."""

from streams.cli.main import main

main()
