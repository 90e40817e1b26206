"""``python -m netty``."""

from netty.cli.start import main

main()
