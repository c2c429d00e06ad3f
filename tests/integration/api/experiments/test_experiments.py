"""Experiments on a real Postgres: names, archiving, deletion, lists."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest
from headrace_api.experiments import archiving, service
from headrace_api.experiments.archiving import ExperimentArchiving
from headrace_api.experiments.service import Experiments
from headrace_contracts.access import Access, Role

from tests.integration.api.conftest import pipeline

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api


async def create(api: Api, name: str = "e", **fields: Any) -> dict[str, Any]:
    body = {"namespace": api.namespace, "display_name": name, **fields}
    return dict(await api.ask("POST", "/experiments", body))


async def shown(api: Api, made: dict[str, Any]) -> dict[str, Any]:
    return dict(await api.ask("GET", f"/experiments/{made['experiment_id']}"))


async def act(api: Api, made: dict[str, Any], operation: str, expect: int = 0) -> Any:
    return await api.ask("POST", f"/experiments/{made['experiment_id']}/{operation}", expect=expect)


async def archived(api: Api, run_id: str) -> bool:
    return bool((await api.ask("GET", f"/runs/{run_id}"))["archived"])


async def test_names_are_unique_in_a_namespace(api: Api) -> None:
    made = await create(api, "e", description="d")
    assert (made["description"], made["archived"], made["last_run_created_at"]) == (
        "d",
        False,
        None,
    )
    body = {"namespace": api.namespace, "display_name": "e"}
    refused = await api.ask("POST", "/experiments", body, expect=409)
    assert refused["field"] == "display_name"
    await api.ask("POST", "/experiments", {**body, "namespace": f"{api.namespace}-2"})
    assert await shown(api, made) == made


@pytest.mark.parametrize(
    "fields",
    [
        {"display_name": ""},
        {"display_name": "e" * 129},
        {"display_name": "e\0"},
        {"description": "\0"},
        {"namespace": ""},
        {"namespace": "n" * 64},
        {"namespace": "n\0"},
    ],
)
async def test_invalid_fields_are_rejected(api: Api, fields: dict[str, str]) -> None:
    body = {"namespace": api.namespace, "display_name": "e", **fields}
    refused = await api.ask("POST", "/experiments", body, expect=400)
    assert refused["field"] == next(iter(fields))


async def test_a_run_with_a_long_experiment_name_is_rejected(api: Api) -> None:
    body = {"namespace": api.namespace, "pipeline_spec": pipeline(), "experiment": "e" * 129}
    assert (await api.ask("POST", "/runs", body, expect=400))["field"] == "experiment"
    definition = {**body, "display_name": "job", "trigger": {"interval_seconds": 60}}
    refused = await api.ask("POST", "/recurring-runs", definition, expect=400)
    assert refused["field"] == "experiment"


async def test_an_experiment_has_the_time_of_its_newest_run(api: Api) -> None:
    made = await create(api)
    runs = [await api.submit(experiment_id=made["experiment_id"]) for _ in range(2)]
    await api.submit()
    told = (await shown(api, made))["last_run_created_at"]
    assert datetime.fromisoformat(told) == datetime.fromisoformat(runs[1]["submitted_at"])
    query = f"/experiments?namespace={api.namespace}&sort_by=last_run_created_at"
    order = (await api.ask("GET", query))["experiments"]
    assert [e["display_name"] for e in order] == ["e", "Default"]
    assert order[0]["last_run_created_at"] == told


async def test_the_first_run_creates_the_default_experiment(
    api: Api,
) -> None:
    run = await api.submit()
    (found,) = (await api.ask("GET", f"/experiments?namespace={api.namespace}"))["experiments"]
    assert found["experiment_id"] == run["experiment_id"]
    assert found["display_name"] == "Default"
    assert found["description"] == (
        "All runs created without specifying an experiment will be grouped here."
    )
    path = f"/experiments/{found['experiment_id']}"
    assert "cannot be deleted" in (await api.ask("DELETE", path, expect=409))["detail"]
    again = await create(api, "other")
    await api.ask("DELETE", f"/experiments/{again['experiment_id']}")


async def test_the_default_experiment_has_the_description_of_kfp(api: Api) -> None:
    assert (await create(api, "Default"))["description"].startswith("All runs created without")
    experiments = Experiments(api.database, ExperimentArchiving(api.database), api.space)
    await experiments.create_default()
    await experiments.create_default()
    listed = await api.ask("GET", "/experiments?namespace=default&name=Default")
    assert listed["total_size"] == 1


async def test_archiving_an_experiment_archives_its_runs(api: Api) -> None:
    made, other = await create(api), await create(api, "other")
    here = [(await api.submit(experiment_id=made["experiment_id"]))["run_id"] for _ in range(3)]
    there = (await api.submit(experiment_id=other["experiment_id"]))["run_id"]
    await api.ask("POST", f"/runs/{here[0]}/archive")
    assert (await act(api, made, "archive"))["archived"] is True
    assert (await act(api, made, "archive"))["archived"] is True
    assert [await archived(api, run) for run in here] == [True] * 3
    assert not await archived(api, there)
    for run in here:
        assert api.bus.types(run) == ["run.submitted", "run.archived"]
    refused = await api.ask("POST", f"/runs/{here[1]}/unarchive", expect=409)
    assert "unarchive it first" in refused["detail"]
    assert (await act(api, made, "unarchive"))["archived"] is False
    assert [await archived(api, run) for run in here] == [True] * 3
    await api.ask("POST", f"/runs/{here[1]}/unarchive")
    assert not await archived(api, here[1])


async def test_the_loop_archives_the_runs_that_a_request_leaves(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "RUNS_PER_TRANSACTION", 2)
    monkeypatch.setattr(service, "_BATCHES_PER_REQUEST", 2)
    made = await create(api)
    runs = [(await api.submit(experiment_id=made["experiment_id"]))["run_id"] for _ in range(7)]
    await act(api, made, "archive")
    assert [await archived(api, run) for run in runs] == [True] * 4 + [False] * 3
    await ExperimentArchiving(api.database).sweep()
    assert [await archived(api, run) for run in runs] == [True] * 7
    told = [event["run_id"] for event in api.bus.events(type="run.archived")]
    assert told == runs
    late = (await api.submit(experiment_id=made["experiment_id"]))["run_id"]
    await ExperimentArchiving(api.database).sweep()
    assert not await archived(api, late)


async def test_unarchiving_stops_the_archiving_of_runs(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "RUNS_PER_TRANSACTION", 1)
    monkeypatch.setattr(service, "_BATCHES_PER_REQUEST", 1)
    made = await create(api)
    runs = [(await api.submit(experiment_id=made["experiment_id"]))["run_id"] for _ in range(3)]
    await act(api, made, "archive")
    await act(api, made, "unarchive")
    await ExperimentArchiving(api.database).sweep()
    assert [await archived(api, run) for run in runs] == [True, False, False]


async def test_archiving_an_experiment_disables_its_recurring_runs(api: Api) -> None:
    made = await create(api)
    definition = {
        "display_name": "job",
        "namespace": api.namespace,
        "experiment_id": made["experiment_id"],
        "trigger": {"interval_seconds": 60},
        "pipeline_spec": pipeline(),
    }
    job = await api.ask("POST", "/recurring-runs", definition)
    other = await api.ask("POST", "/recurring-runs", {**definition, "experiment_id": None})
    await act(api, made, "archive")
    for one, enabled in ((job, False), (other, True)):
        path = f"/recurring-runs/{one['recurring_run_id']}"
        assert (await api.ask("GET", path))["enabled"] is enabled
    await act(api, made, "unarchive")
    path = f"/recurring-runs/{job['recurring_run_id']}"
    assert (await api.ask("GET", path))["enabled"] is False
    assert (await api.ask("POST", f"{path}/enable"))["enabled"] is True


async def test_runs_of_a_deleted_experiment_stay(api: Api) -> None:
    made = await create(api)
    run = (await api.submit(experiment_id=made["experiment_id"]))["run_id"]
    await api.ask("POST", f"/runs/{run}/archive")
    path = f"/experiments/{made['experiment_id']}"
    await api.ask("DELETE", path)
    for method in ("GET", "DELETE"):
        await api.ask(method, path, expect=404)
    await act(api, made, "archive", expect=404)
    await api.ask("POST", f"/runs/{run}/unarchive")
    assert (await api.ask("GET", f"/runs/{run}"))["experiment_id"] == made["experiment_id"]
    again = await api.submit(rerun={"run_id": run})
    default = await api.ask("GET", f"/experiments/{again['experiment_id']}")
    assert default["display_name"] == "Default"
    await create(api)


async def test_lists_are_filtered_sorted_and_paged(api: Api) -> None:
    made = [await create(api, name) for name in ("alpha", "beta", "al_pha")]
    await act(api, made[1], "archive")

    async def names(query: str) -> list[str]:
        page = await api.ask("GET", f"/experiments?namespace={api.namespace}&{query}")
        assert page["total_size"] == len(page["experiments"])
        return [one["display_name"] for one in page["experiments"]]

    def predicate(operation: str, key: str, value: str) -> str:
        one = f'{{"operation":"{operation}","key":"{key}","string_value":"{value}"}}'
        return f'filter={{"predicates":[{one}]}}'

    assert await names("") == ["al_pha", "beta", "alpha"]
    assert await names("sort_by=display_name") == ["al_pha", "alpha", "beta"]
    assert await names(predicate("IS_SUBSTRING", "display_name", "AL")) == ["al_pha", "alpha"]
    assert await names(predicate("IS_SUBSTRING", "display_name", "l_p")) == ["al_pha"]
    assert await names(predicate("EQUALS", "archived", "true")) == ["beta"]
    assert await names(predicate("EQUALS", "experiment_id", made[0]["experiment_id"])) == ["alpha"]
    assert await names("name=beta") == ["beta"]


async def test_new_objects_do_not_shift_pages(api: Api) -> None:
    made = [await create(api, f"e{number}") for number in range(5)]
    path = f"/experiments?namespace={api.namespace}&page_size=2"
    seen, token, totals = [], "", []
    while True:
        page = await api.ask("GET", f"{path}&page_token={token}")
        seen += [one["experiment_id"] for one in page["experiments"]]
        totals.append(page["total_size"])
        token = page["next_page_token"]
        if not token:
            break
        await create(api, f"new{len(seen)}")
    assert seen == [one["experiment_id"] for one in reversed(made)]
    assert totals == [5, 5, 5]
    first = await api.ask("GET", path)
    token = first["next_page_token"]
    for other in (
        f"/experiments?page_token={token}",
        f"/pipelines?namespace={api.namespace}&page_token={token}",
        f"{path}&page_token={token[:-2]}xx",
        f"{path}&page_token={token}&sort_by=display_name",
        f"{path}&page_size=-1",
    ):
        await api.ask("GET", other, expect=400)


async def test_a_list_is_of_one_namespace(api: Api) -> None:
    await create(api)
    both = Access({api.namespace: Role.VIEWER, f"{api.namespace}-2": Role.VIEWER})
    one = Access({api.namespace: Role.VIEWER})
    refused = await api.ask("GET", "/experiments", access=both, expect=400)
    assert refused["field"] == "namespace"
    assert (await api.ask("GET", "/experiments", access=one))["total_size"] == 1
    assert (await api.ask("GET", "/experiments"))["total_size"] >= 1
    query = f"/experiments?namespace={api.namespace}-2"
    assert (await api.ask("GET", query, access=both))["total_size"] == 0
    await api.ask("GET", query, access=one, expect=404)
    await api.ask("GET", "/experiments", access=Access(), expect=400)


async def test_invalid_and_unknown_ids_are_rejected(api: Api) -> None:
    await api.ask("GET", "/experiments/nobody", expect=400)
    await api.ask("GET", f"/experiments/{uuid4()}", expect=404)
    run = {"experiment_id": str(uuid4()), "namespace": api.namespace, "pipeline_spec": pipeline()}
    assert (await api.ask("POST", "/runs", run, expect=404))["field"] == "experiment_id"
    assert UUID((await create(api))["experiment_id"])
