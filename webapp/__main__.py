"""`python -m webapp` is `amoot-form`."""

from webapp.cli import main

main()
