"""What every step of the workload runs. It records its own execution outside of the deployment.

An execution appends one line at its start and one at its end to the file of its run, each with one
write, so that no line is lost or mixed with another. After its start line it reads the file: of two
executions of one task that overlap, at least one finds the other alive, and says so.

Standard library only, and few modules: it is started with ``python3 -I -S``.
"""

import json
import os
import re
import signal
import sys
import time

LAUNCH = re.compile(r"([0-9a-f-]{36})-([0-9a-f-]{36})-([0-9]+)")
"""A launch id: run, task and attempt; more may follow."""


def main(folder, what, options):
    """Run one step. `what`: its name in the records. `options`: `name=value`, any number."""
    given = dict(option.split("=", 1) for option in options)
    execution = _Execution(folder, what)
    execution.begin()
    if "ignore-term" in given:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "daemon" in given:
        _leave_daemon(given["daemon"], execution.nonce)
    if "log" in given:
        _write_log(int(given["log"]), execution.nonce)
    if "seconds" in given:
        time.sleep(float(given["seconds"]))
    saw = {}
    if "parameter" in given:
        saw["parameter"] = given["parameter"]
    if "artifact" in given:
        with open(given["artifact"]) as file:
            saw["artifact"] = file.readline().strip()
    failed = int(os.environ.get("KFP_RETRY_INDEX", "0")) < int(given.get("failures", "0"))
    if not failed:
        _write_outputs(given, execution.nonce)
    execution.end("failed" if failed else "succeeded", saw)
    if "delete-folder" in given:
        _delete_folder()
    sys.exit(3 if failed else 0)


class _Execution:
    """One execution, and the file of its run."""

    def __init__(self, folder, what):
        self.nonce = os.urandom(12).hex()
        found = LAUNCH.match(os.environ.get("HEADRACE_LAUNCH_ID", ""))
        run, task, attempt = found.groups() if found else ("unknown", "unknown", "0")
        self._path = os.path.join(folder, "runs", run)
        self._starts = os.path.join(folder, "starts")
        self._same = {
            "run": run,
            "task": task,
            "attempt": int(attempt),
            "launch": os.environ.get("HEADRACE_LAUNCH_ID", ""),
            "nonce": self.nonce,
            "step": what,
            "pid": os.getpid(),
            "started": _start_time(os.getpid()),
            "launcher": _launcher(os.getppid()),
        }

    def begin(self):
        self._append(self._path, {"event": "start"})
        self._append(self._starts, {"event": "start"})
        for other in self._others_alive():
            self._append(self._path, {"event": "overlap", "other": other})

    def end(self, how, saw):
        self._append(self._path, {"event": "end", "how": how, "saw": saw})

    def _others_alive(self):
        with open(self._path) as file:
            lines = [json.loads(line) for line in file]
        ended = {line["nonce"] for line in lines if line["event"] == "end"}
        for line in lines:
            if (
                line["event"] == "start"
                and line["task"] == self._same["task"]
                and line["nonce"] not in ended
                and line["nonce"] != self.nonce
                and _start_time(line["pid"]) == line["started"]
            ):
                yield line["nonce"]

    def _append(self, path, more):
        line = json.dumps({**self._same, **more, "at": time.time()}) + "\n"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


def _launcher(pid):
    """The nearest launcher among the ancestors of a process; 0 if it is gone already."""
    while pid > 1:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if b"headrace_launcher" in file.read():
                    return pid
        except OSError:
            return 0
        fields = _stat(pid)
        pid = int(fields[1]) if fields else 0
    return 0


def _start_time(pid):
    """When a process was started, in kernel ticks; None if it has ended."""
    fields = _stat(pid)
    return None if fields is None or fields[0] in "ZX" else int(fields[19])


def _stat(pid):
    """The fields of a process from its state on; None if it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return None


def _write_outputs(given, nonce):
    """The nonce is the output parameter and the first line of the output artifact."""
    if "out-parameter" in given:
        _write(given["out-parameter"], nonce)
    if "out-artifact" in given:
        size = int(given.get("bytes", "0"))
        _write(given["out-artifact"], nonce + "\n" + "." * max(0, size - len(nonce) - 1))


def _write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


def _write_log(size, nonce):
    line = f"{nonce} {'-' * 99}\n"
    for _ in range(size // len(line)):
        sys.stdout.write(line)
    sys.stdout.flush()


def _leave_daemon(program, nonce):
    """Start a process with nothing of the step's: another session and an empty environment."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(os.devnull, "r+") as null:
                for number in range(3):
                    os.dup2(null.fileno(), number)
            os.execve(program, [f"{program}-{nonce}", "3600"], {})
        os._exit(0)
    os.wait()


def _delete_folder():
    """Delete the attempt's whole folder, in which this step runs."""
    import shutil

    shutil.rmtree(os.path.dirname(os.environ["HOME"]), ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
