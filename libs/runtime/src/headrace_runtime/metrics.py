"""The metrics of every service. Labels have few values; a run id is never one."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "headrace_bus_messages",
    "Messages consumed, by consumer and outcome",
    ["consumer", "outcome"],
)
HANDLING = Histogram(
    "headrace_bus_handling_seconds",
    "Time to handle one batch, including commit and publication",
    ["consumer"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
PUBLISHED = Counter("headrace_outbox_published", "Messages published from the outbox")
OUTBOX_BACKLOG = Gauge(
    "headrace_outbox_backlog_rows", "Committed but unpublished messages at the last sweep"
)
PASSES = Counter("headrace_loop_passes", "Passes of periodic loops, by result", ["name", "result"])
