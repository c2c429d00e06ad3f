"""Predict the classes of rows: a table with target, predicted class, and each class's score."""

import argparse
import csv
import glob
import io
import json
import os
import sys

SHOWN = 20
"""Number of rows that the run's page shows; the file has all of them."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--data", required=True, help="a pattern of files")
    parser.add_argument("--model", required=True, help="the folder with model.json")
    parser.add_argument("--target", required=True)
    parser.add_argument("--analysis", required=True, help="the folder with stats.json")
    parser.add_argument("--output", required=True, help="the folder for part-*.csv")
    parser.add_argument("--ui-metadata", required=True)
    given = parser.parse_args()
    start_job(given, "predict")
    import numpy
    import xgboost

    with open(os.path.join(given.analysis, "stats.json")) as file:
        classes = json.load(file)["columns"][given.target]["vocabulary"]
    paths = sorted(glob.glob(given.data))
    if not paths:
        sys.exit(f"no file matches {given.data}")
    rows = numpy.concatenate([numpy.genfromtxt(path, delimiter=",", ndmin=2) for path in paths])
    booster = xgboost.Booster(model_file=os.path.join(given.model, "model.json"))
    scores = booster.predict(xgboost.DMatrix(rows[:, 1:]))
    table = [
        [classes[int(target)], classes[int(best)], *(f"{score:.6f}" for score in row)]
        for target, best, row in zip(rows[:, 0], scores.argmax(axis=1), scores)
    ]
    os.makedirs(given.output, exist_ok=True)
    with open(os.path.join(given.output, "part-00000.csv"), "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    schema = [{"name": name, "type": "CATEGORY"} for name in ("target", "predicted")]
    schema += [{"name": name, "type": "NUMBER"} for name in classes]
    with open(os.path.join(given.output, "schema.json"), "w") as file:
        json.dump(schema, file, indent=1)
    show(given.ui_metadata, [column["name"] for column in schema], table[:SHOWN])
    print(f"{len(table)} rows predicted")


def show(path, header, rows):
    """The table on the run's page. It contains the rows, so that they outlive the folder."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    output = {
        "type": "table",
        "format": "csv",
        "storage": "inline",
        "header": header,
        "source": text.getvalue(),
    }
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        json.dump({"outputs": [output]}, file)


def start_job(given, name):
    """Record the job in the cluster's folder; fail if there is no such cluster."""
    place = os.path.join(given.region, given.project, given.cluster_name)
    if not os.path.exists(os.path.join(place, "cluster.json")):
        sys.exit(f"there is no cluster {given.cluster_name} in {os.path.dirname(place)}")
    job = os.path.join(place, "jobs", name)
    os.makedirs(job, exist_ok=True)
    return job


main()
