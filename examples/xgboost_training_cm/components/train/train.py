"""Train one model with several processes, each of which holds a share of the rows.

The workers find each other through xgboost's tracker and sum their gradient histograms, so that all
of them build the same trees. If one of them dies, the others are stopped and the step fails.
"""

import argparse
import glob
import hashlib
import json
import multiprocessing
import os
import signal
import sys
from multiprocessing import connection

CONNECT_SECONDS = 60
"""Time for the workers to read their rows and to find each other."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--train", required=True, help="a pattern of files")
    parser.add_argument("--eval", required=True, help="a pattern of files")
    parser.add_argument("--analysis", required=True, help="the folder with stats.json")
    parser.add_argument("--target", required=True)
    parser.add_argument("--workers", required=True, type=int)
    parser.add_argument("--rounds", required=True, type=int)
    parser.add_argument("--output", required=True, help="the folder for the model")
    given = parser.parse_args()
    if given.rounds < 1 or given.workers < 1:
        sys.exit("rounds and workers must be 1 or more")
    for pattern in (given.train, given.eval):
        if len(glob.glob(pattern)) < given.workers:
            sys.exit(f"{pattern} has fewer files than there are workers ({given.workers})")
    job = start_job(given, "train")
    # A signal ends the program through `finally`, which stops the workers.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("the training was stopped"))
    models = trained_together(given)
    if len(set(models)) != 1:
        sys.exit("the workers trained different models")
    os.makedirs(given.output, exist_ok=True)
    with open(os.path.join(given.output, "model.json"), "wb") as file:
        file.write(models[0])
    digest = hashlib.sha256(models[0]).hexdigest()
    with open(os.path.join(job, "result.json"), "w") as file:
        json.dump({"workers": given.workers, "rounds": given.rounds, "model": digest}, file)
    print(f"one model of {given.workers} worker(s): {digest[:12]}")


def trained_together(given):
    """The model of each worker."""
    # Imported once, before the fork. A fork does not copy threads, so no library may start any
    # before it: numpy would; the tracker starts its threads in a process of its own.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import xgboost.tracker  # noqa: F401

    workers = [forked(work, number, given) for number in range(given.workers)]
    tracker, addresses = forked(track, given.workers)
    try:
        return collected([channel for _, channel in workers], addresses)
    except (EOFError, BrokenPipeError):
        sys.exit(f"the training failed: {how_they_ended([process for process, _ in workers])}")
    finally:
        # The tracker is killed as well: it would wait for workers that have died.
        for process in (*(worker for worker, _ in workers), tracker):
            process.kill()
            process.join()


def forked(target, *arguments):
    """A process that runs a function, and the channel that is its last argument."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*arguments, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def track(workers, channel):
    """The tracker, through which the workers find each other."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from xgboost.tracker import RabitTracker

    tracker = RabitTracker(
        n_workers=workers, host_ip="127.0.0.1", sortby="task", timeout=CONNECT_SECONDS
    )
    tracker.start()
    channel.send(tracker.worker_args())
    tracker.wait_for()


def collected(channels, addresses):
    """Tell the workers where the tracker is, and collect their models."""
    try:
        tracker = addresses.recv()
    except EOFError:
        sys.exit("the tracker did not start")
    models, waiting = [], list(channels)
    for channel in channels:
        channel.send(tracker)
    while waiting:
        for channel in connection.wait(waiting):
            models.append(channel.recv_bytes())
            waiting.remove(channel)
    return models


def how_they_ended(workers):
    """Wait until a worker ends; the workers that failed, those killed by a signal first."""
    ended = connection.wait([worker.sentinel for worker in workers])
    for worker in workers:
        if worker.sentinel in ended:  # its pipes close shortly before it ends
            worker.join()
    codes = {number: worker.exitcode for number, worker in enumerate(workers) if worker.exitcode}
    return ", ".join(
        f"worker {number} was killed by signal {-code}"
        if code < 0
        else f"worker {number} exited with code {code}"
        for number, code in sorted(codes.items(), key=lambda item: item[1])
    )


def work(number, given, channel):
    """One worker: train on its share, and send the model."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    tracker = channel.recv()
    import numpy
    import xgboost
    from xgboost import collective

    with open(os.path.join(given.analysis, "stats.json")) as file:
        classes = json.load(file)["columns"][given.target]["vocabulary"]
    try:
        with collective.CommunicatorContext(**tracker, dmlc_task_id=f"{number:04}"):
            shares = [
                (share(given, name, number, xgboost, numpy), name) for name in ("train", "eval")
            ]
            settings = {
                "objective": "multi:softprob",
                "num_class": len(classes),
                "max_depth": 3,
                "eta": 0.1,
                "nthread": 1,
            }
            train = shares[0][0]
            booster = xgboost.train(settings, train, given.rounds, evals=shares, verbose_eval=50)
    except xgboost.core.XGBoostError as error:
        sys.exit(f"worker {number}: {str(error).strip().splitlines()[-1]}")
    channel.send_bytes(bytes(booster.save_raw("json")))


def share(given, name, number, xgboost, numpy):
    """A worker's rows: of n workers, each reads every n-th file."""
    paths = sorted(glob.glob(getattr(given, name)))[number :: given.workers]
    rows = numpy.concatenate([numpy.genfromtxt(path, delimiter=",", ndmin=2) for path in paths])
    # One write, so that the lines of two workers do not mix.
    sys.stdout.write(f"worker {number}: {len(rows)} rows of {name}\n")
    sys.stdout.flush()
    return xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])


def start_job(given, name):
    """Record the job in the cluster's folder; fail if there is no such cluster."""
    place = os.path.join(given.region, given.project, given.cluster_name)
    if not os.path.exists(os.path.join(place, "cluster.json")):
        sys.exit(f"there is no cluster {given.cluster_name} in {os.path.dirname(place)}")
    job = os.path.join(place, "jobs", name)
    os.makedirs(job, exist_ok=True)
    return job


if __name__ == "__main__":
    main()
