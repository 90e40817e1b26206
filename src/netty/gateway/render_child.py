"""A render child: parses pixels of unknown origin, under limits, and knows neither settings, database nor network."""

from netty.processes.worker import serve_jobs
from netty.workflow.render_job import render_job


def run() -> int:
    """Do the jobs that come on standard input until the parent is gone."""
    serve_jobs(render_job)
    return 0
