"""JetStream in memory: streams, and durable pull consumers with explicit acknowledgement.

Requests and answers are those of the wire API, by subject and JSON, so that the real client code
runs on it. Only what the services use is there; any other request fails with its subject.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tests.support.memory.wire import later

_API = "$JS.API."
_NANO = 1_000_000_000
_NOT_FOUND = {"code": 404, "err_code": 10059, "description": "stream not found"}
_NO_CONSUMER = {"code": 404, "err_code": 10014, "description": "consumer not found"}


class Sink(Protocol):
    """The connection of a client."""

    def deliver(self, subject: str, reply: str, data: bytes, headers: dict[str, str]) -> None:
        """Send a message to the client, if it subscribes to the subject."""
        ...

    def deliver_to(
        self, inbox: str, subject: str, reply: str, data: bytes, headers: dict[str, str]
    ) -> None:
        """Send a message with another subject to an inbox of the client."""
        ...

    def listens_to(self, subject: str) -> bool:
        """Whether the client is there and subscribes to the subject."""
        ...


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject matches a pattern with ``*`` and ``>``."""
    wanted, given = pattern.split("."), subject.split(".")
    for index, token in enumerate(wanted):
        if token == ">":
            return len(given) > index
        if index >= len(given) or token not in ("*", given[index]):
            return False
    return len(wanted) == len(given)


@dataclass(slots=True)
class Stored:
    """A message of a stream."""

    sequence: int
    subject: str
    data: bytes
    headers: dict[str, str]
    at: float


@dataclass(slots=True)
class _Pending:
    """A message that was delivered and not acknowledged."""

    deliveries: int
    deadline: float


@dataclass(slots=True)
class _Pull:
    """A request of a client for messages."""

    sink: Sink
    inbox: str
    left: int
    expires: float
    heartbeat: float


class Stream:
    """A stream: messages in order, with ids that are dropped when they repeat."""

    def __init__(self, config: dict[str, Any], created: datetime) -> None:
        self.config = config
        self.created = created
        self.messages: list[Stored] = []
        self.consumers: dict[str, Consumer] = {}
        self.last = 0
        self._ids: dict[str, tuple[float, int]] = {}

    def publish(
        self, subject: str, data: bytes, headers: dict[str, str], now: float
    ) -> tuple[int, bool]:
        """Store a message; returns its sequence, and whether it is a duplicate."""
        message_id = headers.get("Nats-Msg-Id")
        window = self.config.get("duplicate_window", 120 * _NANO) / _NANO
        known = self._ids.get(message_id or "")
        if known is not None and now - known[0] < window:
            return known[1], True
        self.last += 1
        if message_id:
            self._ids[message_id] = now, self.last
        self.messages.append(Stored(self.last, subject, data, dict(headers), now))
        for consumer in self.consumers.values():
            consumer.serve()
        self.trim()
        return self.last, False

    def trim(self) -> None:
        """Delete what every consumer has acknowledged, if the stream's retention says so."""
        if self.config.get("retention") == "interest":
            consumers = self.consumers.values()
            self.messages = [one for one in self.messages if any(c.needs(one) for c in consumers)]

    def info(self) -> dict[str, Any]:
        """The answer to a request for information."""
        return {
            "config": self.config,
            "created": _iso(self.created),
            "state": {
                "messages": len(self.messages),
                "bytes": sum(len(one.data) for one in self.messages),
                "first_seq": self.messages[0].sequence if self.messages else self.last + 1,
                "last_seq": self.last,
                "consumer_count": len(self.consumers),
            },
        }


class Consumer:
    """A durable pull consumer: each message until it is acknowledged, in the order of the stream,
    and again after the acknowledgement wait."""

    def __init__(self, stream: Stream, name: str, config: dict[str, Any], bus: JetStream) -> None:
        self.stream = stream
        self.name = name
        self.config = config
        self.pending: dict[int, _Pending] = {}
        self.terminated: list[int] = []
        self.created = bus.now()
        self._bus = bus
        self._next = 1
        self._sent = 0
        self._again: deque[int] = deque()
        self._deliveries: dict[int, int] = {}
        self._pulls: deque[_Pull] = deque()
        one = config.get("filter_subject")
        self._filters = [one] if one else list(config.get("filter_subjects") or [">"])
        self._wait = config.get("ack_wait", 30 * _NANO) / _NANO

    def pull(self, sink: Sink, inbox: str, request: dict[str, Any]) -> None:
        """A client asks for messages."""
        expires = request.get("expires", 0) / _NANO
        heartbeat = request.get("idle_heartbeat", 0) / _NANO
        pull = _Pull(sink, inbox, request.get("batch", 1), self._bus.time() + expires, heartbeat)
        self._pulls.append(pull)
        if heartbeat:
            later(heartbeat, self._beat, pull)
        if expires:
            later(expires, self._expire, pull)
        self.serve()

    def serve(self) -> None:
        """Deliver what there is to those who have asked."""
        while self._pulls:
            pull = self._pulls[0]
            if not pull.sink.listens_to(pull.inbox):
                self._pulls.popleft()
                continue
            message = self._take()
            if message is None:
                return
            pull.left -= 1
            if not pull.left:
                self._pulls.popleft()
            else:
                self._pulls.rotate(-1)  # those who wait get messages in turn
            self._deliver(pull, message)

    def acknowledge(self, sequence: int, delivery: int, kind: bytes) -> None:
        """What a client says about a message that it has got."""
        pending = self.pending.get(sequence)
        if pending is None:
            return
        word, _, options = kind.partition(b" ")
        if word == b"+WPI":
            self._wait_for(sequence, pending, self._wait)
        elif word == b"-NAK":
            delay = json.loads(options)["delay"] / _NANO if options else 0.0
            if delivery == pending.deliveries:
                self._wait_for(sequence, pending, delay)
        else:
            if word == b"+TERM":
                self.terminated.append(sequence)
            del self.pending[sequence]
            self.serve()
            self.stream.trim()

    def needs(self, message: Stored) -> bool:
        """Whether it has not acknowledged a message that it reads."""
        return self._wants(message) and (
            message.sequence in self.pending or message.sequence >= self._next
        )

    @property
    def floor(self) -> int:
        """Up to where it has acknowledged everything."""
        return min(self.pending, default=self._next) - 1

    def unsettled(self) -> int:
        """How many messages are not acknowledged, or not delivered yet."""
        new = sum(one.sequence >= self._next and self._wants(one) for one in self.stream.messages)
        return len(self.pending) + new

    def end(self) -> None:
        """The consumer is deleted: those who wait are told."""
        for pull in self._pulls:
            pull.sink.deliver(
                pull.inbox, "", b"", {"Status": "409", "Description": "Consumer Deleted"}
            )
        self._pulls.clear()

    def _wants(self, message: Stored) -> bool:
        return any(matches(one, message.subject) for one in self._filters)

    def _take(self) -> Stored | None:
        """The next message to deliver."""
        while self._again:
            sequence = self._again.popleft()
            if sequence in self.pending:
                return self._message(sequence)
        if len(self.pending) >= self.config.get("max_ack_pending", 1000):
            return None
        while self._next <= self.stream.last:
            message = self._message(self._next)
            self._next += 1
            if message is not None and self._wants(message):
                return message
        return None

    def _message(self, sequence: int) -> Stored | None:
        at = bisect_left(self.stream.messages, sequence, key=lambda one: one.sequence)
        found = self.stream.messages[at : at + 1]
        return found[0] if found and found[0].sequence == sequence else None

    def _deliver(self, pull: _Pull, message: Stored) -> None:
        self._sent += 1
        count = self._deliveries[message.sequence] = self._deliveries.get(message.sequence, 0) + 1
        pending = _Pending(count, 0.0)
        self.pending[message.sequence] = pending
        self._wait_for(message.sequence, pending, self._wait)
        reply = (
            f"$JS.ACK.{self.stream.config['name']}.{self.name}.{count}.{message.sequence}"
            f".{self._sent}.{int(message.at * _NANO)}.0"
        )
        pull.sink.deliver_to(pull.inbox, message.subject, reply, message.data, message.headers)

    def _wait_for(self, sequence: int, pending: _Pending, seconds: float) -> None:
        """Deliver it again after this time, unless something is heard of it."""
        pending.deadline = self._bus.time() + seconds
        later(seconds, self._overdue, sequence, pending, pending.deadline)

    def _overdue(self, sequence: int, pending: _Pending, deadline: float) -> None:
        if self.pending.get(sequence) is pending and pending.deadline == deadline:
            self._again.append(sequence)
            self.serve()

    def _beat(self, pull: _Pull) -> None:
        if pull in self._pulls and pull.sink.listens_to(pull.inbox):
            pull.sink.deliver(pull.inbox, "", b"", {"Status": "100"})
            later(pull.heartbeat, self._beat, pull)

    def _expire(self, pull: _Pull) -> None:
        if pull in self._pulls:
            self._pulls.remove(pull)
            pull.sink.deliver(pull.inbox, "", b"", {"Status": "408"})


@dataclass(slots=True)
class JetStream:
    """The server's streams."""

    time: Callable[[], float]
    now: Callable[[], datetime]
    streams: dict[str, Stream] = field(default_factory=dict)
    journal: list[Stored] = field(default_factory=list)
    """Every message that was ever stored."""

    def is_stored(self, subject: str) -> bool:
        """Whether a stream takes messages with this subject."""
        return self._stream_of(subject) is not None

    def store(self, subject: str, data: bytes, headers: dict[str, str]) -> bytes:
        """Publish a message; returns the answer."""
        stream = self._stream_of(subject)
        assert stream is not None
        sequence, duplicate = stream.publish(subject, data, headers, self.time())
        if not duplicate:
            self.journal.append(Stored(sequence, subject, data, dict(headers), self.time()))
        answer = {"stream": stream.config["name"], "seq": sequence}
        return json.dumps(answer | ({"duplicate": True} if duplicate else {})).encode()

    def acknowledge(self, subject: str, data: bytes) -> None:
        """An acknowledgement that a client has sent."""
        _, _, stream, consumer, delivery, sequence, *_ = subject.split(".")
        found = self.streams.get(stream)
        known = found.consumers.get(consumer) if found is not None else None
        if known is not None:
            known.acknowledge(int(sequence), int(delivery), data or b"+ACK")

    def request(self, subject: str, data: bytes) -> bytes:
        """A request to the API; returns the answer."""
        answer = self._answer(subject.removeprefix(_API).split("."), data)
        if "code" in answer:
            answer = {"error": answer}
        return json.dumps(answer).encode()

    def pull(self, subject: str, data: bytes, sink: Sink, inbox: str) -> bool:
        """A request for messages; False when there is no such consumer."""
        stream, consumer = subject.removeprefix(f"{_API}CONSUMER.MSG.NEXT.").split(".")
        found = self.streams.get(stream)
        known = found.consumers.get(consumer) if found is not None else None
        if known is None:
            return False
        known.pull(sink, inbox, json.loads(data))
        return True

    def _stream_of(self, subject: str) -> Stream | None:
        for stream in self.streams.values():
            if any(matches(one, subject) for one in stream.config["subjects"]):
                return stream
        return None

    def _answer(self, words: list[str], data: bytes) -> dict[str, Any]:
        match words:
            case ["STREAM", "INFO", name]:
                found = self.streams.get(name)
                return found.info() if found is not None else _NOT_FOUND
            case ["STREAM", "CREATE" | "UPDATE" as verb, name]:
                config = json.loads(data)
                if name in self.streams:
                    self.streams[name].config = config
                    self.streams[name].trim()
                elif verb == "CREATE":
                    self.streams[name] = Stream(config, self.now())
                return self.streams[name].info() if name in self.streams else _NOT_FOUND
            case ["STREAM", "DELETE", name]:
                deleted = self.streams.pop(name, None)
                for consumer in deleted.consumers.values() if deleted is not None else ():
                    consumer.end()
                return {"success": True} if deleted is not None else _NOT_FOUND
            case ["CONSUMER", "DURABLE", "CREATE", name, durable]:
                stream = self.streams.get(name)
                if stream is None:
                    return _NOT_FOUND
                if durable not in stream.consumers:
                    config = json.loads(data)["config"]
                    stream.consumers[durable] = Consumer(stream, durable, config, self)
                return self._consumer_info(stream, durable)
            case ["CONSUMER", "INFO", name, durable]:
                stream = self.streams.get(name)
                if stream is None or durable not in stream.consumers:
                    return _NO_CONSUMER
                return self._consumer_info(stream, durable)
        raise NotImplementedError(f"JetStream in memory has no {'.'.join(words)}")

    def _consumer_info(self, stream: Stream, durable: str) -> dict[str, Any]:
        consumer = stream.consumers[durable]
        return {
            "name": durable,
            "stream_name": stream.config["name"],
            "config": consumer.config,
            "created": _iso(consumer.created),
            "ack_floor": {"consumer_seq": 0, "stream_seq": consumer.floor},
            "num_ack_pending": len(consumer.pending),
            "num_pending": consumer.unsettled() - len(consumer.pending),
        }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
