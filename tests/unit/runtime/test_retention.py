"""How long the parts keep messages fits together."""

from __future__ import annotations

from headrace_contracts.messages.subjects import STREAMS
from headrace_runtime import relay, service
from headrace_runtime.bus import provision
from nats.js.api import DiscardPolicy, RetentionPolicy


def test_a_stream_with_readers_refuses_and_the_dead_letters_drop_the_oldest() -> None:
    for stream in STREAMS:
        config = provision._config(stream, RetentionPolicy.LIMITS)
        keeps = stream.max_age_hours is None
        assert config.discard is (DiscardPolicy.NEW if keeps else DiscardPolicy.OLD)
        assert config.max_bytes == stream.max_bytes
        assert config.max_age == (0 if keeps else 30 * 24 * 3600)


def test_a_handled_message_is_recognized_for_longer_than_it_is_published_again() -> None:
    """The outbox keeps a message while a reader has not handled it. The other readers recognize it
    for a week, and drop repetitions in the stream itself for ten minutes."""
    assert service._KEEP_HOURS >= 7 * 24
    assert relay._COMPARE_EVERY_SECONDS < provision._DUPLICATE_WINDOW_SECONDS
    assert service._KEEP_HOURS * 3600 > 100 * provision._DUPLICATE_WINDOW_SECONDS


def test_what_was_just_published_is_marked_before_the_sweeper_looks() -> None:
    assert relay._PASS_SECONDS < relay._SWEEP_OLDER_THAN_SECONDS
