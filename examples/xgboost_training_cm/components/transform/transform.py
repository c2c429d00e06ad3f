"""Convert rows to xgboost's input: the number of the target's class, then the features.

A numeric column is scaled to its range in the training data. A categorical column becomes one
column for each value (one-hot); a value that the training data does not have sets none of them.
"""

import argparse
import csv
import json
import os
import shutil
import sys

PARTS = 8
"""Number of files that a data set is written to, which is the maximum number of workers."""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--train", required=True, help="CSV without a header")
    parser.add_argument("--eval", required=True, help="CSV without a header")
    parser.add_argument("--target", required=True, help="the column to predict")
    parser.add_argument("--analysis", required=True, help="the folder with stats.json")
    parser.add_argument("--output", required=True, help="the folder for train/part-* and eval/")
    given = parser.parse_args()
    start_job(given, "transform")
    with open(os.path.join(given.analysis, "stats.json")) as file:
        stats = json.load(file)
    vocabulary = stats["columns"].get(given.target, {}).get("vocabulary")
    if vocabulary is None:
        sys.exit(f"the schema has no column {given.target} of type CATEGORY, as the target must be")
    for name, source in (("train", given.train), ("eval", given.eval)):
        folder = os.path.join(given.output, name)
        shutil.rmtree(folder, ignore_errors=True)  # left by an earlier attempt
        os.makedirs(folder)
        with open(source, newline="") as file:
            rows = [transformed(row, stats, given.target) for row in csv.reader(file)]
        for part in range(PARTS):
            with open(os.path.join(folder, f"part-{part:05}"), "w", newline="") as file:
                csv.writer(file).writerows(rows[part::PARTS])
        print(f"{name}: {len(rows)} rows, {len(rows[0]) - 1} features")
    print(f"classes of {given.target}: {', '.join(vocabulary)}")


def transformed(row, stats, target):
    """One row; a missing number stays empty."""
    if len(row) != len(stats["schema"]):
        sys.exit(f"a row has {len(row)} columns, but the schema has {len(stats['schema'])}")
    features = []
    for value, column in zip(row, stats["schema"]):
        name, known = column["name"], stats["columns"][column["name"]]
        if name == target:
            if value not in known["vocabulary"]:
                sys.exit(f"{value} is not a class of {target} in the training data")
            label = known["vocabulary"].index(value)
        elif column["type"] == "CATEGORY":
            features += [int(value == word) for word in known["vocabulary"]]
        elif value == "":
            features.append("")
        else:
            span = known["max"] - known["min"]
            features.append(f"{(float(value) - known['min']) / (span or 1.0):.6g}")
    return [label, *features]


def start_job(given, name):
    """Record the job in the cluster's folder; fail if there is no such cluster."""
    place = os.path.join(given.region, given.project, given.cluster_name)
    if not os.path.exists(os.path.join(place, "cluster.json")):
        sys.exit(f"there is no cluster {given.cluster_name} in {os.path.dirname(place)}")
    job = os.path.join(place, "jobs", name)
    os.makedirs(job, exist_ok=True)
    return job


main()
