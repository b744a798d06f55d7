"""`python -m streams.cli`: what the launcher starts once the environment stands."""

from streams.cli.main import main

main()
