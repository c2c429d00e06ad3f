"""Submit the example with the real KFP client and wait for it. Arguments: HOST [PACKAGE.yaml]."""

import json
import sys
from pathlib import Path

import kfp

host = sys.argv[1]
package = sys.argv[2] if len(sys.argv) > 2 else str(Path(__file__).with_name("pipeline.yaml"))
client = kfp.Client(host=host)
submitted = client.create_run_from_pipeline_package(package, arguments={}, enable_caching=False)
run = client.wait_for_run_completion(submitted.run_id, timeout=600, sleep_duration=1)
tasks = {task.display_name: task.state for task in run.run_details.task_details}
print(json.dumps({"run_id": run.run_id, "state": run.state, "tasks": tasks}))
