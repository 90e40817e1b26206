"""The door to DBOS Transact: durable jobs. Nothing else in netty knows that DBOS exists."""

from netty.jobs.engine import jobs_database_url
from netty.jobs.service import DueSweep, Jobs, QueuedRetrieval, Work

__all__ = ["DueSweep", "Jobs", "QueuedRetrieval", "Work", "jobs_database_url"]
