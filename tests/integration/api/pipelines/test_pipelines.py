"""Pipelines and versions on a real Postgres: packages, changes, tags, deletion."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import pytest
import yaml
from headrace_api.recurring.ticker import Ticker

from tests.integration.api.conftest import pipeline
from tests.integration.api.pipelines.test_fetch import Server, answer, server
from tests.integration.api.recurring.test_recurring_runs import START

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

__all__ = ["server"]
PACKAGE = yaml.safe_dump(pipeline()).encode()


async def upload(
    api: Api, path: str = "/pipelines", package: bytes = PACKAGE, expect: int = 201, **query: Any
) -> dict[str, Any]:
    fields = {"name": "p", **query}
    if path == "/pipelines":
        fields.setdefault("namespace", api.namespace)
    answered = await api.http.post(f"{path}?{urlencode(fields)}", content=package)
    assert answered.status_code == expect, answered.text
    return dict(answered.json())


def at(made: dict[str, Any], version: dict[str, Any] | None = None) -> str:
    path = f"/pipelines/{made['pipeline_id']}"
    return path if version is None else f"{path}/versions/{version['pipeline_version_id']}"


async def versions(api: Api, made: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    return list((await api.ask("GET", f"{at(made)}/versions?{query}"))["pipeline_versions"])


async def add(api: Api, made: dict[str, Any], name: str, **query: Any) -> dict[str, Any]:
    return await upload(api, f"{at(made)}/versions", name=name, **query)


async def test_a_package_makes_a_pipeline_and_its_first_version(api: Api) -> None:
    made = await upload(
        api,
        display_name="P",
        description="d",
        tags='{"team": "a"}',
        version_tags='{"build": "7"}',
        code_source_url="https://example.com/code",
    )
    assert (made["name"], made["display_name"], made["tags"]) == ("p", "P", {"team": "a"})
    (listed,) = await versions(api, made)
    assert listed["document"] is None
    found = await api.ask("GET", at(made, listed))
    assert found["document"]["pipeline_spec"]["root"] == pipeline()["root"]
    assert (found["name"], found["display_name"], found["description"]) == ("p", "P", "d")
    assert found["tags"] == {"build": "7"}
    assert found["code_source_url"] == "https://example.com/code"
    assert found["package_url"] is None


async def test_names_are_unique(api: Api) -> None:
    made = await upload(api)
    assert (await upload(api, expect=409))["field"] == "name"
    assert (await upload(api, f"{at(made)}/versions", expect=409))["field"] == "name"
    await add(api, made, "v2")
    await upload(api, namespace=f"{api.namespace}-2")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "p" * 129}, "name"),
        ({"name": "p\0"}, "name"),
        ({"display_name": "p" * 129}, "display_name"),
        ({"description": "\0"}, "description"),
        ({"namespace": "n" * 64}, "namespace"),
        ({"namespace": ""}, "namespace"),
        ({"tags": "x"}, "tags"),
        ({"tags": '{"a": 1}'}, "tags"),
        ({"tags": '{"a": "\\u0000"}'}, "tags"),
        ({"tags": json.dumps({str(n): "" for n in range(65)})}, "tags"),
        ({"version_tags": "[]"}, "version_tags"),
        ({"code_source_url": "javascript:alert(1)"}, "code_source_url"),
        ({"package_url": "https://example.com/p.yaml"}, "package_url"),
        ({"empty": "true"}, "empty"),
        ({"empty": "perhaps"}, "empty"),
    ],
)
async def test_invalid_parameters_are_rejected(api: Api, query: dict[str, str], field: str) -> None:
    assert (await upload(api, expect=400, **query))["field"] == field
    assert (await api.ask("GET", f"/pipelines?namespace={api.namespace}"))["total_size"] == 0


async def test_invalid_packages_are_rejected(api: Api) -> None:
    assert "package_url" in (await upload(api, package=b"", expect=400))["detail"]
    assert "not valid YAML" in (await upload(api, package=b"a: [", expect=400))["detail"]
    await upload(api, package=b"x" * (1024**2 + 1), expect=413)
    await upload(api, package=gzip.compress(b"\0" * 2**26), expect=413)
    made = await upload(api, package=b"", empty=True)
    await upload(api, f"{at(made)}/versions", package=b"", expect=400)


async def test_a_pipeline_can_start_without_a_version(api: Api) -> None:
    made = await upload(api, package=b"", empty=True)
    assert await versions(api, made) == []
    run = {"namespace": api.namespace, "pipeline": {"pipeline_id": made["pipeline_id"]}}
    refused = await api.ask("POST", "/runs", run, expect=404)
    assert refused["detail"] == "pipeline 'p' has no version"
    await add(api, made, "v1")
    await api.ask("POST", "/runs", run)


async def test_a_package_is_fetched_from_its_url(api: Api, server: Server) -> None:
    server.answers = {"/p.yaml": answer(PACKAGE), "/gone": answer(b"", "404 Not Found")}
    url = f"{server.url}/p.yaml"
    made = await upload(api, package=b"", package_url=url)
    (first,) = await versions(api, made)
    assert first["package_url"] == url
    second = await upload(api, f"{at(made)}/versions", package=b"", name="v2", package_url=url)
    assert (second["package_url"], second["document"]) == (
        url,
        (await api.ask("GET", at(made, first)))["document"],
    )
    refused = await upload(api, package=b"", name="q", package_url=f"{server.url}/gone", expect=400)
    assert (refused["field"], "404" in refused["detail"]) == ("package_url", True)


async def test_a_pipeline_is_found_by_name(api: Api) -> None:
    for name in ("p", "versions", "a/b", "ü 1"):
        made = await upload(api, name=name)
        path = f"/pipelines/by-name/{quote(name, safe='')}?namespace={api.namespace}"
        assert await api.ask("GET", path) == made
    await api.ask("GET", f"/pipelines/by-name/q?namespace={api.namespace}", expect=404)
    await api.ask("GET", f"/pipelines/by-name/{api.namespace}", expect=404)
    await api.ask("GET", f"/pipelines/by-name/%00?namespace={api.namespace}", expect=400)


async def test_a_change_leaves_other_fields(api: Api) -> None:
    made = await upload(api, description="d", tags='{"team": "a", "old": "1"}')
    changed = await api.ask("PATCH", at(made), {"tags": {"team": "b"}})
    assert changed == {**made, "tags": {"team": "b"}}
    changed = await api.ask("PATCH", at(made), {"display_name": "Q", "max_active_runs": 3})
    assert (changed["display_name"], changed["max_active_runs"]) == ("Q", 3)
    assert (await api.ask("PATCH", at(made), {"tags": {}}))["max_active_runs"] == 3
    changed = await api.ask("PATCH", at(made), {"max_active_runs": None, "description": ""})
    assert (changed["max_active_runs"], changed["description"]) == (None, "")
    assert changed["tags"] == {}
    (version,) = await versions(api, made)
    changed = await api.ask(
        "PATCH", at(made, version), {"display_name": "V", "tags": {"build": "1"}}
    )
    assert (changed["name"], changed["display_name"], changed["description"]) == ("p", "V", "d")
    assert changed["tags"] == {"build": "1"}
    assert changed["document"] is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"display_name": ""}, "display_name"),
        ({"display_name": "p" * 129}, "display_name"),
        ({"display_name": "\0"}, None),
        ({"tags": {"": "a"}}, "tags"),
        ({"tags": {"a": 1}}, "tags.a"),
        ({"tags": {"a": "v" * 254}}, "tags"),
        ({"name": "q"}, "name"),
        ({"document": {}}, "document"),
        ([], None),
    ],
)
async def test_a_rejected_change_changes_nothing(api: Api, changes: Any, field: str | None) -> None:
    made = await upload(api)
    (version,) = await versions(api, made)
    for path in (at(made), at(made, version)):
        refused = await api.ask("PATCH", path, changes, expect=400)
        assert refused.get("field") == field
    assert await api.ask("GET", at(made)) == made
    await api.ask("PATCH", at(made, version), {"max_active_runs": 1}, expect=400)
    await api.ask("PATCH", at(made), {"max_active_runs": 0}, expect=400)


async def test_a_pipeline_with_versions_is_deleted_with_cascade_only(api: Api) -> None:
    made = await upload(api)
    assert "has versions" in (await api.ask("DELETE", at(made), expect=409))["detail"]
    await api.ask("DELETE", f"{at(made)}?cascade=true")
    for method in ("GET", "DELETE"):
        await api.ask(method, at(made), expect=404)
    await api.ask("GET", f"{at(made)}/versions", expect=404)
    again = await upload(api)
    (version,) = await versions(api, again)
    await api.ask("DELETE", at(again, version))
    await api.ask("DELETE", at(again, version), expect=404)
    await api.ask("DELETE", at(again))


async def test_a_version_belongs_to_its_pipeline(api: Api) -> None:
    one, other = await upload(api), await upload(api, name="q")
    (version,) = await versions(api, one)
    for method, body in (("GET", None), ("PATCH", {"description": "x"}), ("DELETE", None)):
        await api.ask(method, at(other, version), body, expect=404)
    assert await versions(api, one) == [version]


async def test_a_deleted_pipeline_breaks_no_run(api: Api) -> None:
    made = await upload(api)
    run = await api.submit(pipeline={"pipeline_id": made["pipeline_id"]})
    await api.ask("DELETE", f"{at(made)}?cascade=true")
    document = await api.ask("GET", f"/runs/{run['run_id']}/document")
    assert document["pipeline_spec"]["root"] == pipeline()["root"]
    await api.fail(run["run_id"], 1)
    await api.ask("POST", f"/runs/{run['run_id']}/retry")
    again = await api.submit(rerun={"run_id": run["run_id"]})
    assert again["pipeline"] == run["pipeline"]


async def test_a_recurring_run_of_a_deleted_pipeline_reports_it_with_each_slot(api: Api) -> None:
    made = await upload(api)
    (version,) = await versions(api, made)
    definition = {
        "display_name": "job",
        "namespace": api.namespace,
        "trigger": {"interval_seconds": 3600, "start_at": START.isoformat()},
        "pipeline": {
            "pipeline_id": made["pipeline_id"],
            "pipeline_version_id": version["pipeline_version_id"],
        },
    }
    job = await api.ask("POST", "/recurring-runs", definition)
    path = f"/recurring-runs/{job['recurring_run_id']}"

    async def last_error() -> str:
        api.database.at = START
        await Ticker(api.database, api.submissions, api.space, 1.0).tick()
        api.database.at = None
        error = (await api.ask("GET", path))["last_error"]["rejection"]
        assert error["code"] == "NOT_FOUND"
        return str(error["message"])

    await api.ask("DELETE", at(made, version))
    assert "has no version" in await last_error()
    await api.ask("DELETE", at(made))
    await api.ask("PATCH", path, {"display_name": "renamed"}, expect=404)
    found = await api.ask("GET", path)
    assert (found["enabled"], found["fired"]) == (True, 1)
    assert api.bus.events(type="run.submitted", recurring_run_id=job["recurring_run_id"]) == []
    await api.ask("DELETE", path)


async def test_lists_are_filtered_by_tags_and_names(api: Api) -> None:
    for name, tags in (("alpha", {"team": "a"}), ("beta", {"team": "b", "x.y": "1"}), ("c", {})):
        await upload(api, name=name, display_name=name.upper(), tags=json.dumps(tags))

    async def names(*predicates: tuple[str, str, Any], listing: str = "/pipelines") -> list[str]:
        written = []
        for operation, key, value in predicates:
            kind = "string_values" if isinstance(value, list) else "string_value"
            value = {"values": value} if isinstance(value, list) else value
            written.append({"operation": operation, "key": key, kind: value})
        query = urlencode({"filter": json.dumps({"predicates": written}), "sort_by": "name"})
        page = await api.ask("GET", f"{listing}?namespace={api.namespace}&{query}")
        (rows,) = [value for value in page.values() if isinstance(value, list)]
        assert page["total_size"] == len(rows)
        return [one["name"] for one in rows]

    assert await names(("EQUALS", "tags.team", "a")) == ["alpha"]
    assert await names(("EQUALS", "tags.x.y", "1")) == ["beta"]
    assert await names(("NOT_EQUALS", "tags.team", "a")) == ["beta", "c"]
    assert await names(("IN", "tags.team", ["a", "b"])) == ["alpha", "beta"]
    assert await names(("NOT_IN", "tags.team", ["a"])) == ["beta", "c"]
    assert await names(("EQUALS", "tags.team", "b"), ("EQUALS", "tags.x.y", "1")) == ["beta"]
    assert await names(("EQUALS", "tags.team' OR '1'='1", "a")) == []
    assert await names(("EQUALS", "tags.team", "a' OR '1'='1")) == []
    assert await names(("IS_SUBSTRING", "name", "LPH")) == ["alpha"]
    assert await names(("EQUALS", "display_name", "C")) == ["c"]
    assert await names(("EQUALS", "pipeline_id", str(uuid4()))) == []
    made = await api.ask("GET", f"/pipelines/by-name/c?namespace={api.namespace}")
    await add(api, made, "v2", tags='{"build": "2"}')
    listing = f"{at(made)}/versions"
    assert await names(("EQUALS", "tags.build", "2"), listing=listing) == ["v2"]
    assert await names(("EQUALS", "tags.build", "3"), listing=listing) == []


async def test_versions_are_paged(api: Api) -> None:
    made = await upload(api)
    for number in range(4):
        await add(api, made, f"v{number}")
    page = await api.ask("GET", f"{at(made)}/versions?page_size=3")
    rest = await api.ask(
        "GET", f"{at(made)}/versions?page_token={page['next_page_token']}&page_size=3"
    )
    found = [one["name"] for one in page["pipeline_versions"] + rest["pipeline_versions"]]
    assert found == ["v3", "v2", "v1", "v0", "p"]
    assert (page["total_size"], rest["total_size"], rest["next_page_token"]) == (5, 5, None)
    other = await upload(api, name="q")
    token = page["next_page_token"]
    await api.ask("GET", f"{at(other)}/versions?page_token={token}", expect=400)
