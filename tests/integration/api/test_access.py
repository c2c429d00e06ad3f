"""Access: each route, called with access to another namespace, with none, and with each role."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from headrace_contracts.access import HEADER, Access, Role
from headrace_contracts.messages.cloudevents import Attributes
from headrace_contracts.messages.commands import PipelineReference, SubmitRun
from headrace_runtime.bus.consumer import Received

from tests.integration.api.conftest import pipeline

if TYPE_CHECKING:
    from tests.integration.api.conftest import Api

TRIGGER = {"interval_seconds": 60}


@dataclass(frozen=True)
class Call:
    """A request, with fields of `Objects` in braces, and the role that it needs."""

    method: str
    route: str
    role: Role
    body: Any = None
    query: str = ""


VIEW, EDIT, ADMIN = Role.VIEWER, Role.EDITOR, Role.ADMIN
RUN = "/runs/{run_id}"
EXPERIMENT = "/experiments/{experiment_id}"
PIPELINE = "/pipelines/{pipeline_id}"
VERSION = f"{PIPELINE}/versions/{{version_id}}"
JOB = "/recurring-runs/{identity}"
SUBMISSION = {"namespace": "{namespace}", "pipeline_spec": pipeline()}
DEFINITION = {**SUBMISSION, "display_name": "job", "trigger": TRIGGER}
TABLE = [
    Call("POST", "/runs", EDIT, SUBMISSION),
    Call("GET", RUN, VIEW),
    Call("GET", f"{RUN}/document", VIEW),
    *[
        Call("POST", f"{RUN}/{operation}", EDIT, {} if operation == "cancel" else None)
        for operation in ("cancel", "pause", "resume", "archive", "unarchive", "retry")
    ],
    Call("GET", "/experiments", VIEW, query="namespace={namespace}"),
    Call("POST", "/experiments", EDIT, {"namespace": "{namespace}", "display_name": "new"}),
    Call("GET", EXPERIMENT, VIEW),
    Call("POST", f"{EXPERIMENT}/archive", EDIT),
    Call("POST", f"{EXPERIMENT}/unarchive", EDIT),
    Call("GET", "/pipelines", VIEW, query="namespace={namespace}"),
    Call("POST", "/pipelines", EDIT, pipeline(), query="namespace={namespace}&name=new"),
    Call("GET", "/pipelines/by-name/{name}", VIEW, query="namespace={namespace}"),
    Call("GET", PIPELINE, VIEW),
    Call("PATCH", PIPELINE, EDIT, {"description": "x"}),
    Call("PATCH", PIPELINE, ADMIN, {"max_active_runs": 2}),
    Call("GET", f"{PIPELINE}/versions", VIEW),
    Call("POST", f"{PIPELINE}/versions", EDIT, pipeline(), query="name=v2"),
    Call("GET", VERSION, VIEW),
    Call("PATCH", VERSION, EDIT, {"description": "x"}),
    Call("GET", "/recurring-runs", VIEW, query="namespace={namespace}"),
    Call("POST", "/recurring-runs", EDIT, DEFINITION),
    Call("GET", JOB, VIEW),
    Call("GET", f"{JOB}/next", VIEW),
    Call("PATCH", JOB, EDIT, {"description": "x"}),
    Call("POST", f"{JOB}/enable", EDIT),
    Call("POST", f"{JOB}/disable", EDIT),
    Call("GET", "/namespaces/{namespace}/limits", VIEW),
    Call("PUT", "/namespaces/{namespace}/limits", ADMIN, {"max_active_runs": 5}),
    Call("DELETE", JOB, EDIT),
    Call("DELETE", VERSION, EDIT),
    Call("DELETE", PIPELINE, EDIT, query="cascade=true"),
    Call("DELETE", RUN, EDIT),
    Call("DELETE", EXPERIMENT, EDIT),
]


@dataclass(frozen=True)
class Objects:
    """One object of each kind, in one namespace; the fields are named as in the routes."""

    namespace: str
    run_id: str
    experiment_id: str
    pipeline_id: str
    version_id: str
    identity: str
    name: str = "p"


async def created_objects(api: Api) -> Objects:
    here = api.namespace
    body = {"namespace": here, "display_name": "e"}
    experiment = (await api.ask("POST", "/experiments", body))["experiment_id"]
    path = f"/pipelines?name=p&namespace={here}"
    made = (await api.ask("POST", path, pipeline()))["pipeline_id"]
    (version,) = (await api.ask("GET", f"/pipelines/{made}/versions"))["pipeline_versions"]
    run = (await api.submit(experiment_id=experiment))["run_id"]
    await api.fail(run, 1)
    definition = {**DEFINITION, "namespace": here}
    job = (await api.ask("POST", "/recurring-runs", definition))["recurring_run_id"]
    return Objects(here, run, experiment, made, version["pipeline_version_id"], job)


async def status(api: Api, call: Call, of: Objects, access: Access) -> int:
    fields = {name: getattr(of, name) for name in Objects.__dataclass_fields__}
    path = f"{call.route}?{call.query}".format(**fields)
    body = call.body
    if isinstance(body, dict) and "namespace" in body:
        body = {**body, "namespace": of.namespace}
    headers = {HEADER: access.to_header()}
    answer = await api.http.request(call.method, path, json=body, headers=headers)
    return answer.status_code


def call_id(call: Call) -> str:
    return f"{call.method} {call.route} {call.role}"


@pytest.mark.parametrize("call", TABLE, ids=call_id)
async def test_objects_of_other_namespaces_are_not_found(api: Api, call: Call) -> None:
    of = await created_objects(api)
    for access in (Access({"elsewhere": Role.ADMIN}), Access()):
        assert await status(api, call, of, access) == 404


@pytest.mark.parametrize("call", TABLE, ids=call_id)
async def test_each_call_needs_its_role(api: Api, call: Call) -> None:
    of = await created_objects(api)
    for role in Role:
        if not role.includes(call.role):
            assert await status(api, call, of, Access({of.namespace: role})) == 403
    refusals = {401, 403, 404}
    assert await status(api, call, of, Access({of.namespace: call.role})) not in refusals


async def test_the_table_is_complete(api: Api) -> None:
    paths = api.http._transport.app.openapi()["paths"]  # type: ignore[attr-defined]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert routes == {(call.method, call.route) for call in TABLE}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"pipeline": {"pipeline_id": "{pipeline_id}"}}, "pipeline"),
        ({"pipeline": {"name": "p"}}, "pipeline"),
        ({"pipeline": {"name": "q", "pipeline_version_id": "{version_id}"}}, "pipeline.version"),
        ({"rerun": {"run_id": "{run_id}"}}, "rerun.run_id"),
        ({"pipeline_spec": pipeline(), "experiment_id": "{experiment_id}"}, "experiment_id"),
    ],
)
async def test_references_to_other_namespaces_are_not_found(
    api: Api, fields: dict[str, Any], field: str
) -> None:
    of = await created_objects(api)
    own = f"{of.namespace}-own"
    await api.ask("POST", f"/pipelines?name=q&namespace={own}", pipeline())
    filled = {key: _filled(value, of) for key, value in fields.items()}
    for access in (
        Access({own: Role.EDITOR}),
        Access({own: Role.EDITOR, of.namespace: Role.ADMIN}),
        Access.everywhere(),
    ):
        body = {"namespace": own, **filled}
        refused = await api.ask("POST", "/runs", body, expect=404, access=access)
        assert refused["field"] == field
        if "rerun" not in fields:
            definition = {**body, "display_name": "job", "trigger": TRIGGER}
            refused = await api.ask(
                "POST", "/recurring-runs", definition, expect=404, access=access
            )
            assert refused["field"] == field
            job = await api.ask("POST", "/recurring-runs", {**DEFINITION, "namespace": own})
            path = f"/recurring-runs/{job['recurring_run_id']}"
            refused = await api.ask("PATCH", path, filled, expect=404, access=access)
            assert refused["field"] == field


def _filled(value: Any, of: Objects) -> Any:
    if isinstance(value, str):
        return getattr(of, value.strip("{}"), value)
    if isinstance(value, dict) and "root" not in value:
        return {key: _filled(one, of) for key, one in value.items()}
    return value


async def test_a_page_token_of_another_namespace_is_rejected(api: Api) -> None:
    of = await created_objects(api)
    for number in range(3):
        body = {"namespace": of.namespace, "display_name": f"e{number}"}
        await api.ask("POST", "/experiments", body)
    page = await api.ask("GET", f"/experiments?namespace={of.namespace}&page_size=1")
    own = Access({f"{of.namespace}-own": Role.ADMIN})
    token = page["next_page_token"]
    await api.ask("GET", f"/experiments?page_token={token}", access=own, expect=400)
    query = f"namespace={of.namespace}&page_token={token}"
    await api.ask("GET", f"/experiments?{query}", access=own, expect=404)


async def test_a_filter_cannot_reach_another_namespace(api: Api) -> None:
    of = await created_objects(api)
    own = Access({f"{of.namespace}-own": Role.ADMIN})
    for path, key, value in (
        ("experiments", "experiment_id", of.experiment_id),
        ("experiments", "namespace", of.namespace),
        ("pipelines", "pipeline_id", of.pipeline_id),
        ("recurring-runs", "recurring_run_id", of.identity),
    ):
        one = f'{{"operation":"EQUALS","key":"{key}","string_value":"{value}"}}'
        page = await api.ask("GET", f'/{path}?filter={{"predicates":[{one}]}}', access=own)
        assert page["total_size"] == 0


@pytest.mark.parametrize("header", ["x", "[]", '{"a": "owner"}', '{"a": 1}', "[" * 9999])
async def test_an_invalid_access_header_is_rejected(api: Api, header: str) -> None:
    answer = await api.http.get("/experiments", headers={HEADER: header})
    assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED")


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_message_can_refer_to_its_own_namespace_only(api: Api, elsewhere: bool) -> None:
    of = await created_objects(api)
    request = SubmitRun(
        namespace=f"{of.namespace}-own" if elsewhere else of.namespace,
        pipeline=PipelineReference(name="p"),
        idempotency_key="k",
    )
    identity = str(uuid4())
    attributes = Attributes(identity, "/test", request.type, datetime.now(UTC).isoformat())
    await api.handlers.submit_runs([Received(attributes, request)])
    (answer,) = api.bus.events(request_id=identity)
    assert answer["type"] == ("submission.rejected" if elsewhere else "submission.accepted")
    if elsewhere:
        assert answer["rejection"]["code"] == "NOT_FOUND"
