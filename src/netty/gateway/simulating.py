"""`netty simulate`: one simulated hospital, until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from netty.gateway.logs import configure_logging
from netty.simulator.hospital import Hospital
