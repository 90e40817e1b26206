"""netty beside other receivers, on this machine, in one run: ``make bench``."""
