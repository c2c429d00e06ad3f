"""The XGBoost trainer in today's style: the steps pass typed artifacts to each other.

The same steps and parameters as `xgboost_training_cm.py`, with the data loaded from scikit-learn,
so that the compiled package runs anywhere. Compile with ``python xgboost_training_v2.py``; the
result, ``xgboost_training_v2.yaml``, is committed.
"""

from kfp import compiler, dsl
from kfp.dsl import (
    Artifact,
    ClassificationMetrics,
    Dataset,
    Input,
    Markdown,
    Metrics,
    Model,
    Output,
)

# The same packages for all steps, so that they share one environment.
PACKAGES = ["numpy==2.3.5", "scikit-learn==1.7.2", "xgboost-cpu==2.1.3"]


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def create_cluster(region: str, project: str, name: str, run_id: str) -> str:
    """Create the cluster: its folder and its description."""
    import json
    import os
    from pathlib import Path

    name = f"{name}-{run_id}"
    place = Path(region.format(user=os.getuid()), project, name)
    (place / "jobs").mkdir(parents=True)
    description = {"name": name, "project": project, "region": region, "status": "RUNNING"}
    (place / "cluster.json").write_text(json.dumps(description))
    print(f"cluster {name} is running in {place}")
    return str(place)


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def delete_cluster(region: str, project: str, name: str, run_id: str):
    """Remove the cluster, even if a step failed. It is no error if it does not exist."""
    import os
    import shutil
    from pathlib import Path

    place = Path(region.format(user=os.getuid()), project, f"{name}-{run_id}")
    if (place / "cluster.json").exists():
        shutil.rmtree(place)
        print(f"cluster {place.name} is deleted")


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def load_data(
    target: str, eval_fraction: float, train: Output[Dataset], evaluation: Output[Dataset]
):
    """The breast cancer data set (Wisconsin) of scikit-learn, as CSV with a header. The target is
    ACTION for a malignant tumour, NONE for a benign one."""
    import csv

    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer()
    rows = [
        ["NONE" if benign else "ACTION", *features.tolist()]
        for features, benign in zip(data.data, data.target, strict=True)
    ]
    parts = train_test_split(rows, test_size=eval_fraction, random_state=7, stratify=data.target)
    for part, dataset in zip(parts, (train, evaluation), strict=True):
        with open(dataset.path, "w", newline="") as file:
            csv.writer(file).writerows([[target, *data.feature_names], *part])
        dataset.metadata["rows"] = len(part)


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def analyze(cluster: str, train: Input[Dataset], target: str, analysis: Output[Artifact]):
    """The classes of the target and the range of each feature in the training data."""
    import csv
    import json
    from pathlib import Path

    if not Path(cluster, "cluster.json").exists():
        raise RuntimeError(f"there is no cluster {cluster}")
    with open(train.path, newline="") as file:
        rows = list(csv.DictReader(file))
    if target not in rows[0]:
        raise ValueError(f"the data has no column {target}")
    columns = {name: [float(row[name]) for row in rows] for name in rows[0] if name != target}
    found = {
        "classes": sorted({row[target] for row in rows}),
        "ranges": {name: [min(values), max(values)] for name, values in columns.items()},
    }
    Path(analysis.path).write_text(json.dumps(found))
    analysis.metadata.update(rows=len(rows), features=len(columns), classes=found["classes"])


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def transform(
    data: Input[Dataset], analysis: Input[Artifact], target: str, parts: int, table: Output[Dataset]
):
    """Classes as numbers and features scaled to their ranges, in a folder of several files."""
    import csv
    import json
    from pathlib import Path

    known = json.loads(Path(analysis.path).read_text())
    with open(data.path, newline="") as file:
        rows = [
            [known["classes"].index(row[target])]
            + [
                (float(row[name]) - low) / ((high - low) or 1.0)
                for name, (low, high) in known["ranges"].items()
            ]
            for row in csv.DictReader(file)
        ]
    Path(table.path).mkdir(parents=True)
    for part in range(parts):
        with open(Path(table.path, f"part-{part:05}"), "w", newline="") as file:
            csv.writer(file).writerows(rows[part::parts])
    table.metadata.update(rows=len(rows), parts=parts)


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def train_model(
    cluster: str,
    train: Input[Dataset],
    evaluation: Input[Dataset],
    analysis: Input[Artifact],
    workers: int,
    rounds: int,
    model: Output[Model],
    progress: Output[Metrics],
):
    """Train one model with several processes, each with a share of the rows.

    The workers find each other through xgboost's tracker and sum their gradient histograms, so that
    all of them build the same trees. If one dies, the others are stopped and the step fails.
    """
    import json
    import multiprocessing
    import os
    from pathlib import Path

    if not Path(cluster, "cluster.json").exists():
        raise RuntimeError(f"there is no cluster {cluster}")
    if rounds < 1 or not 1 <= workers <= train.metadata["parts"]:
        raise ValueError(f"{workers} workers cannot train for {rounds} rounds on these parts")
    classes = json.loads(Path(analysis.path).read_text())["classes"]

    def work(number, channel):
        shares = []
        with xgboost.collective.CommunicatorContext(**channel.recv(), dmlc_task_id=f"{number:04}"):
            for dataset, name in ((train, "train"), (evaluation, "eval")):
                files = sorted(Path(dataset.path).iterdir())[number::workers]
                rows = numpy.concatenate(
                    [numpy.loadtxt(file, delimiter=",", ndmin=2) for file in files]
                )
                shares.append((xgboost.DMatrix(rows[:, 1:], label=rows[:, 0]), name))
                print(f"worker {number}: {len(rows)} rows of {name}", flush=True)
            settings = {
                "objective": "multi:softprob",
                "num_class": len(classes),
                "max_depth": 3,
                "eta": 0.1,
                "nthread": 1,
            }
            losses = {}
            booster = xgboost.train(
                settings, shares[0][0], rounds, evals=shares, evals_result=losses, verbose_eval=50
            )
        last = {f"{name}-loss": losses[name]["mlogloss"][-1] for name in losses}
        channel.send((bytes(booster.save_raw("json")), last))

    def track(channel):
        tracker = RabitTracker(n_workers=workers, host_ip="127.0.0.1", sortby="task", timeout=60)
        tracker.start()
        channel.send(tracker.worker_args())
        tracker.wait_for()

    # Imported once, before the fork. A fork does not copy threads, so no library may start any
    # before it: numpy would; the tracker starts its threads in a process of its own.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    import numpy
    import xgboost
    from xgboost.tracker import RabitTracker

    context = multiprocessing.get_context("fork")
    crew = []
    try:
        for target, *numbers in (*((work, number) for number in range(workers)), (track,)):
            ours, theirs = context.Pipe()
            process = context.Process(target=target, args=(*numbers, theirs), daemon=True)
            process.start()
            theirs.close()
            crew.append((process, ours))
        *channels, addresses = (channel for _, channel in crew)
        tracker = addresses.recv()
        for channel in channels:
            channel.send(tracker)
        results = [channel.recv() for channel in channels]
    except (EOFError, BrokenPipeError):
        raise RuntimeError("a worker died; see the log") from None
    finally:
        for process, _ in crew:  # the tracker would wait for workers that have died
            process.kill()
            process.join()
    if len({trained for trained, _ in results}) != 1:
        raise RuntimeError("the workers trained different models")
    trained, last = results[0]
    Path(model.path).write_bytes(trained)
    model.metadata.update(framework="xgboost", workers=workers, rounds=rounds, classes=classes)
    for name, value in last.items():
        progress.log_metric(name, value)
    Path(cluster, "jobs", "train").write_text(f"{workers} workers, {rounds} rounds")


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def predict(
    cluster: str,
    model: Input[Model],
    data: Input[Dataset],
    predictions: Output[Dataset],
    table: Output[Markdown],
):
    """Target, predicted class and scores of each row; the first rows also as a Markdown table."""
    import csv
    from pathlib import Path

    import numpy
    import xgboost

    if not Path(cluster, "cluster.json").exists():
        raise RuntimeError(f"there is no cluster {cluster}")
    classes = model.metadata["classes"]
    booster = xgboost.Booster(model_file=bytearray(Path(model.path).read_bytes()))
    files = sorted(Path(data.path).iterdir())
    rows = numpy.concatenate([numpy.loadtxt(file, delimiter=",", ndmin=2) for file in files])
    scores = booster.predict(xgboost.DMatrix(rows[:, 1:]))
    lines = [["target", "predicted", *classes]]
    for target, best, row in zip(rows[:, 0], scores.argmax(axis=1), scores, strict=True):
        lines.append([classes[int(target)], classes[best], *(f"{score:.6f}" for score in row)])
    with open(predictions.path, "w", newline="") as file:
        csv.writer(file).writerows(lines)
    predictions.metadata.update(rows=len(rows), classes=classes)
    shown = [lines[0], ["---"] * len(lines[0]), *lines[1:21]]
    text = "\n".join(f"| {' | '.join(line)} |" for line in shown) + "\n"
    Path(table.path).write_text(text)
    print(text)


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def confusion_matrix(
    predictions: Input[Dataset], metrics: Output[Metrics], matrix: Output[ClassificationMetrics]
):
    """How often each class was predicted as each class."""
    import csv
    from collections import Counter

    classes = predictions.metadata["classes"]
    with open(predictions.path, newline="") as file:
        pairs = Counter((row["target"], row["predicted"]) for row in csv.DictReader(file))
    counts = [[pairs[true, found] for found in classes] for true in classes]
    matrix.log_confusion_matrix(classes, counts)
    hits = sum(pairs[name, name] for name in classes)
    metrics.log_metric("accuracy-score", hits / pairs.total())


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def roc(
    predictions: Input[Dataset],
    true_label: str,
    metrics: Output[Metrics],
    curve: Output[ClassificationMetrics],
):
    """The ROC curve of one class, and the area under it."""
    import csv

    import numpy
    from sklearn.metrics import roc_auc_score, roc_curve

    if true_label not in predictions.metadata["classes"]:
        raise ValueError(f"{true_label} is not one of {predictions.metadata['classes']}")
    with open(predictions.path, newline="") as file:
        rows = list(csv.DictReader(file))
    target = [row["target"] == true_label for row in rows]
    score = [float(row[true_label]) for row in rows]
    false_positive, true_positive, thresholds = roc_curve(target, score)
    thresholds = numpy.minimum(thresholds, 1.0)  # the first is infinite, which JSON cannot express
    curve.log_roc_curve(false_positive.tolist(), true_positive.tolist(), thresholds.tolist())
    metrics.log_metric("roc-auc-score", float(roc_auc_score(target, score)))


@dsl.pipeline(
    name="xgboost-trainer",
    description="A trainer that does end-to-end distributed training for XGBoost models.",
)
def xgb_train_pipeline(
    project: str = "xgboost-trainer",
    cluster_name: str = "xgb",
    region: str = "/tmp/xgboost_training_cm-{user}/clusters",
    eval_fraction: float = 0.3,
    target: str = "resolution",
    rounds: int = 200,
    workers: int = 2,
    true_label: str = "ACTION",
):
    # The run's id is a separate argument: within a default value it would not be replaced.
    place = {
        "region": region,
        "project": project,
        "name": cluster_name,
        "run_id": dsl.PIPELINE_JOB_ID_PLACEHOLDER,
    }
    delete = delete_cluster(**place).set_caching_options(False)
    with dsl.ExitHandler(delete, name="with-a-cluster"):
        cluster = create_cluster(**place).set_caching_options(False).output
        data = load_data(target=target, eval_fraction=eval_fraction)
        analyzed = analyze(
            cluster=cluster, train=data.outputs["train"], target=target
        ).set_display_name("Analyzer")
        tables = {
            name: transform(
                data=data.outputs[name],
                analysis=analyzed.outputs["analysis"],
                target=target,
                parts=8,
            ).set_display_name(f"Transformer ({name})")
            for name in ("train", "evaluation")
        }
        trained = train_model(
            cluster=cluster,
            train=tables["train"].outputs["table"],
            evaluation=tables["evaluation"].outputs["table"],
            analysis=analyzed.outputs["analysis"],
            workers=workers,
            rounds=rounds,
        ).set_display_name("Trainer")
        predicted = predict(
            cluster=cluster,
            model=trained.outputs["model"],
            data=tables["evaluation"].outputs["table"],
        ).set_display_name("Predictor")
        confusion_matrix(predictions=predicted.outputs["predictions"])
        roc(predictions=predicted.outputs["predictions"], true_label=true_label)


if __name__ == "__main__":
    from pathlib import Path

    package = Path(__file__).with_name("xgboost_training_v2.yaml")
    compiler.Compiler().compile(xgb_train_pipeline, str(package))
