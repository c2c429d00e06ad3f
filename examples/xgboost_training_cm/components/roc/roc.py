"""The ROC curve of one class, and the area under it."""

import argparse
import csv
import glob
import io
import json
import os
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", required=True, help="a pattern of CSV files")
    parser.add_argument("--true-class", required=True, help="the target that counts as true")
    parser.add_argument("--true-score-column", required=True, help="the column with its score")
    parser.add_argument("--output", required=True, help="the folder for roc.csv")
    parser.add_argument("--ui-metadata", required=True)
    parser.add_argument("--metrics", required=True)
    given = parser.parse_args()
    rows = predictions(given.predictions)
    if given.true_score_column not in rows[0]:
        names = ", ".join(rows[0])
        sys.exit(f"the predictions have no column {given.true_score_column}; they have: {names}")
    scored = sorted(
        ((float(row[given.true_score_column]), row["target"] == given.true_class) for row in rows),
        reverse=True,
    )
    points = curve(scored)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(points)
    write(os.path.join(given.output, "roc.csv"), text.getvalue())
    output = {
        "type": "roc",
        "format": "csv",
        "storage": "inline",
        "schema": [{"name": name, "type": "NUMBER"} for name in ("fpr", "tpr", "thresholds")],
        "source": text.getvalue(),
    }
    write(given.ui_metadata, json.dumps({"outputs": [output]}))
    area = sum(
        (right[0] - left[0]) * (right[1] + left[1]) / 2 for left, right in zip(points, points[1:])
    )
    metric = {"name": "roc-auc-score", "numberValue": area, "format": "RAW"}
    write(given.metrics, json.dumps({"metrics": [metric]}))
    print(f"area under the curve of {given.true_class}: {area:.4f}")


def curve(scored):
    """(false positive rate, true positive rate, threshold), by falling threshold."""
    positives = sum(true for _, true in scored)
    negatives = len(scored) - positives
    if not positives or not negatives:
        sys.exit("a curve needs true and false targets, but all targets are the same")
    points = [(0.0, 0.0, scored[0][0] + 1)]  # higher than every score
    hits = 0
    for count, (score, true) in enumerate(scored, 1):
        hits += true
        if count == len(scored) or scored[count][0] != score:  # one point for equal scores
            points.append(((count - hits) / negatives, hits / positives, score))
    return points


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
