"""``python -m netty``."""

from netty.cli.main import main

main()
