"""Submit a pipeline by publishing one message.

Arguments: NATS_URL PACKAGE.yaml [name=value ...]. A value that is valid JSON is
sent as JSON, any other as a string.
"""

import asyncio
import json
import sys
import uuid
from pathlib import Path

import nats


def value_of(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


async def submit(url: str, package: str, *parameters: str) -> None:
    bus = await nats.connect(url)
    request = uuid.uuid4().hex
    replies = await bus.subscribe(f"evt.submission.{request}.*")
    body = {
        "package": package,
        "parameters": {
            name: value_of(text) for name, text in (pair.split("=", 1) for pair in parameters)
        },
        "idempotency_key": request,
    }
    headers = {"ce-specversion": "1.0", "ce-id": request, "ce-type": "run.submit"}
    await bus.jetstream().publish("cmd.run.submit", json.dumps(body).encode(), headers=headers)
    reply = await replies.next_msg(timeout=30)
    print(json.dumps(json.loads(reply.data), indent=2))
    await bus.close()


url, path, *parameters = sys.argv[1:]
asyncio.run(submit(url, Path(path).read_text(), *parameters))
