"""The pipeline that is being defined."""

import threading

import pytest
from headrace import dsl


@dsl.component(base_image="python:3.11")
def say(text: str = "a") -> str:
    """Says it."""
    return text


def test_a_pipeline_that_failed_leaves_nothing_behind() -> None:
    def broken() -> None:
        say()
        raise KeyError("broken")

    with pytest.raises(KeyError):
        dsl.pipeline(broken)
    assert list(dsl.pipeline(_one).pipeline_spec["root"]["dag"]["tasks"]) == ["say"]


def _one() -> None:
    say()


def test_threads_define_pipelines_at_the_same_time() -> None:
    ready = threading.Barrier(4, timeout=10)
    found: list[list[str]] = []

    def body() -> None:
        for _ in range(3):
            say()
            ready.wait()

    def define() -> None:
        found.append(list(dsl.pipeline(body).pipeline_spec["root"]["dag"]["tasks"]))

    threads = [threading.Thread(target=define) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["say", "say-2", "say-3"]] * 4
