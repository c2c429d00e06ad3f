"""Objects of deleted runs that other runs use stay until the last of these runs is deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from headrace_contracts.messages import events as e
from headrace_contracts.messages.events import PipelineIdentity
from headrace_contracts.object_keys import run_prefix
from headrace_contracts.values import Artifact, Inputs

from tests.integration.recorder.conftest import artifact, made, of, started, task

if TYPE_CHECKING:
    from tests.integration.recorder.conftest import Recorder


class Story:
    """A run that made a folder and a file, and runs that use them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.stored = recorder.objects.stored

    async def run(self, *outputs: Artifact, uses: tuple[Artifact, ...] = ()) -> UUID:
        """A run whose one task has these outputs."""
        run = await self.recorder.submit(pipeline=PipelineIdentity(name="p"))
        inputs = Inputs(artifacts={"data": uses} if uses else {})
        await self.recorder.record(started(run), e.TaskReady(**task(run), inputs=inputs))
        await self.recorder.record(made(run, *outputs))
        self.stored[self.prefix(run) + "train/1/log.txt"] = b"said"
        return run

    async def made(self) -> tuple[UUID, Artifact, Artifact]:
        """The run, its folder and its file."""
        run = await self.recorder.submit(pipeline=PipelineIdentity(name="p"))
        prefix = self.prefix(run)
        for name in ("folder/a", "folder/deep/b", "folder-2", "file", "train/1/log.txt"):
            self.stored[prefix + name] = b"x"
        folder = artifact(f"s3://headrace/{prefix}folder")
        file = artifact(f"s3://headrace/{prefix}file")
        await self.recorder.record(started(run), made(run, folder, file))
        return run, folder, file

    def prefix(self, run: UUID) -> str:
        return run_prefix(self.recorder.namespace, "p", run)

    def left(self, run: UUID) -> list[str]:
        """The names of the objects in the run's folder."""
        prefix = self.prefix(run)
        return [key.removeprefix(prefix) for key in sorted(self.stored) if key.startswith(prefix)]

    async def delete(self, *runs: UUID) -> None:
        await self.recorder.record(*(e.RunDeleted(run_id=run) for run in runs))
        await self.recorder.delete_objects()


@pytest.fixture
def story(recorder: Recorder) -> Story:
    return Story(recorder)


async def test_a_deleted_run_leaves_nothing(story: Story) -> None:
    run, folder, _ = await story.made()
    await story.delete(run)
    assert story.left(run) == []
    await story.recorder.get(f"/runs/{run}", expect=404)
    await story.recorder.get(f"/artifacts/{folder.artifact_id}", expect=404)
    await story.recorder.record(made(run, folder))  # a late event
    await story.recorder.get(f"/artifacts/{folder.artifact_id}", expect=404)


async def test_reused_outputs_stay_until_the_last_run_is_deleted(story: Story) -> None:
    run, folder, file = await story.made()
    first = await story.run(folder)  # from the cache
    second = await story.run(folder)
    await story.delete(run)
    assert story.left(run) == ["folder/a", "folder/deep/b"]
    given = await story.recorder.get(f"/runs/{first}/tasks/{of(first)}/artifacts/out")
    assert given["url"].endswith("folder")
    known = await story.recorder.get(f"/artifacts/{folder.artifact_id}")
    assert known["uri"] == folder.uri
    await story.recorder.get(f"/artifacts/{file.artifact_id}", expect=404)
    await story.delete(first)
    assert story.left(run) == ["folder/a", "folder/deep/b"]
    assert story.left(first) == []
    await story.delete(second)
    assert story.left(run) == []
    await story.recorder.get(f"/artifacts/{folder.artifact_id}", expect=404)


async def test_inputs_of_another_run_stay(story: Story) -> None:
    run, _, file = await story.made()
    reader = await story.run(artifact("s3://elsewhere/model"), uses=(file,))
    await story.delete(run)
    assert story.left(run) == ["file"]
    await story.delete(reader)
    assert story.left(run) == []


@pytest.mark.parametrize("part", ["folder", "folder/", "folder/deep", "folder/deep/b"])
async def test_imports_of_another_run_stay(story: Story, part: str) -> None:
    """An importer has an artifact of its own in the folder of the earlier run."""
    run, _, _ = await story.made()
    imported = artifact(f"s3://headrace/{story.prefix(run)}{part}")
    importer = await story.run(imported)
    await story.delete(run)
    expected = ["folder/a", "folder/deep/b"] if part.strip("/") == "folder" else ["folder/deep/b"]
    assert story.left(run) == expected
    await story.delete(importer)
    assert story.left(run) == []


@pytest.mark.parametrize("end", ["", "/"])
async def test_the_whole_folder_of_a_run_can_be_imported(story: Story, end: str) -> None:
    run, _, _ = await story.made()
    before = story.left(run)
    whole = artifact(f"s3://headrace/{story.prefix(run).rstrip('/')}{end}")
    importer = await story.run(whole)
    await story.delete(run)
    assert story.left(run) == before
    await story.delete(importer)
    assert story.left(run) == []


async def test_a_part_of_a_used_folder_stays(story: Story) -> None:
    run, folder, _ = await story.made()
    whole = await story.run(folder)
    part = await story.run(artifact(f"s3://headrace/{story.prefix(run)}folder/deep"))
    await story.delete(run, part)
    assert story.left(run) == ["folder/a", "folder/deep/b"]
    await story.delete(whole)
    assert story.left(run) == []


async def test_runs_deleted_together_leave_nothing(story: Story) -> None:
    run, folder, _ = await story.made()
    other = await story.run(folder)
    await story.delete(run, other)
    assert story.left(run) == story.left(other) == []


async def test_objects_outside_of_run_folders_stay(story: Story) -> None:
    story.stored["datasets/iris.csv"] = b"x"
    importer = await story.run(artifact("s3://headrace/datasets/iris.csv"))
    await story.delete(importer)
    assert story.stored == {"datasets/iris.csv": b"x"}
