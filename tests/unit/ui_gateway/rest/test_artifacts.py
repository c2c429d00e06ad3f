"""Downloads of artifacts: a redirect to the object store, by one call of the recorder."""

from __future__ import annotations

import pytest

from tests.unit.ui_gateway.rest.fake_services import FakeServices, client_over

ID = "01920f39-1b2c-7d55-8e0a-3c4d5e6f7a80"
PATHS = [
    (f"/artifacts/{ID}/content", f"/artifacts/{ID}/content"),
    (f"/runs/{ID}/tasks/{ID}/artifacts/out?index=1", f"/runs/{ID}/tasks/{ID}/artifacts/out"),
]


@pytest.mark.parametrize(("path", "recorder_path"), PATHS)
async def test_a_file_is_a_redirect(path: str, recorder_path: str) -> None:
    fake = FakeServices()
    fake.answer("GET", recorder_path, {"url": "http://store/x"})
    async with client_over(fake) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://store/x")
    assert [request.url.path for request in fake.requests] == [recorder_path]


@pytest.mark.parametrize(("path", "recorder_path"), PATHS)
async def test_a_folder_is_a_list_of_links(path: str, recorder_path: str) -> None:
    fake = FakeServices()
    files = {"files": [{"path": "a", "url": "http://store/a"}]}
    fake.answer("GET", recorder_path, files)
    async with client_over(fake) as client:
        answer = await client.get(path)
    assert answer.json() == files


async def test_an_unknown_artifact_is_a_404() -> None:
    async with client_over(FakeServices()) as client:
        answer = await client.get(f"/artifacts/{ID}/content")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
