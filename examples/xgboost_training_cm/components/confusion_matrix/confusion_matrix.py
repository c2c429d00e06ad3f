"""Count how often each class was predicted as each class."""

import argparse
import csv
import glob
import io
import json
import os
import sys
from collections import Counter


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", required=True, help="a pattern of CSV files")
    parser.add_argument("--output", required=True, help="the folder for confusion_matrix.csv")
    parser.add_argument("--ui-metadata", required=True)
    parser.add_argument("--metrics", required=True)
    given = parser.parse_args()
    rows = predictions(given.predictions)
    pairs = Counter((row["target"], row["predicted"]) for row in rows)
    labels = sorted({label for pair in pairs for label in pair})
    table = [(target, found, pairs[target, found]) for target in labels for found in labels]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    write(os.path.join(given.output, "confusion_matrix.csv"), text.getvalue())
    output = {
        "type": "confusion_matrix",
        "format": "csv",
        "storage": "inline",
        "schema": [
            {"name": "target", "type": "CATEGORY"},
            {"name": "predicted", "type": "CATEGORY"},
            {"name": "count", "type": "NUMBER"},
        ],
        "source": text.getvalue(),
        "labels": labels,
    }
    write(given.ui_metadata, json.dumps({"outputs": [output]}))
    accuracy = sum(pairs[label, label] for label in labels) / len(rows)
    metric = {"name": "accuracy-score", "numberValue": accuracy, "format": "PERCENTAGE"}
    write(given.metrics, json.dumps({"metrics": [metric]}))
    print(text.getvalue() + f"accuracy {accuracy:.4f} of {len(rows)} rows")


def predictions(pattern):
    """The rows of all files, with the column names from schema.json in the same folder."""
    with open(os.path.join(os.path.dirname(pattern), "schema.json")) as file:
        names = [column["name"] for column in json.load(file)]
    rows = []
    for path in sorted(glob.glob(pattern)):
        with open(path, newline="") as file:
            rows += csv.DictReader(file, names)
    if not rows:
        sys.exit(f"there are no predictions in {pattern}")
    return rows


def write(path, text):
    """Write a file, creating its folder."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


main()
