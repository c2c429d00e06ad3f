"""The client of Headrace's own API, over HTTP: `Client` with blocking calls, `AsyncClient` with
asyncio. Both have the same operations."""

from __future__ import annotations

from headrace.client.clients import AsyncClient, Client
from headrace.client.comparison import Comparison
from headrace.client.errors import ClientError, RunFailedError
from headrace.client.resources import (
    FINAL,
    Artifact,
    Experiment,
    Pipeline,
    PipelineVersion,
    RecurringRun,
    Run,
    Task,
    in_order,
)
from headrace.client.transport.retries import Patience
from headrace.client.visualizations import Visualization, Visualizations

__all__ = [
    "FINAL",
    "Artifact",
    "AsyncClient",
    "Client",
    "ClientError",
    "Comparison",
    "Experiment",
    "Patience",
    "Pipeline",
    "PipelineVersion",
    "RecurringRun",
    "Run",
    "RunFailedError",
    "Task",
    "Visualization",
    "Visualizations",
    "in_order",
]
