"""Compute what the transformation needs from the training data: ranges and vocabularies."""

import argparse
import csv
import json
import math
import os
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--cluster-name", required=True)
    parser.add_argument("--schema", required=True, help="JSON: [{name, type}], in order")
    parser.add_argument("--train", required=True, help="CSV without a header")
    parser.add_argument("--output", required=True, help="the folder for stats.json")
    given = parser.parse_args()
    start_job(given, "analyze")
    with open(given.schema) as file:
        schema = json.load(file)
    with open(given.train, newline="") as file:
        rows = list(csv.reader(file))
    for number, row in enumerate(rows, 1):
        if len(row) != len(schema):
            sys.exit(f"row {number} has {len(row)} columns, but the schema has {len(schema)}")
    columns = {
        column["name"]: analyzed(column, [row[index] for row in rows])
        for index, column in enumerate(schema)
    }
    os.makedirs(given.output, exist_ok=True)
    with open(os.path.join(given.output, "stats.json"), "w") as file:
        json.dump({"rows": len(rows), "schema": schema, "columns": columns}, file, indent=1)
    for name, column in columns.items():
        print(name, json.dumps(column))
    print(f"{len(rows)} rows, {len(columns)} columns")


def analyzed(column, values):
    """The range and mean of a numeric column, or the sorted values of a categorical one."""
    if column["type"] == "NUMBER":
        try:
            numbers = [float(value) for value in values if value != ""]
        except ValueError as error:
            sys.exit(f"column {column['name']}: {error}")
        if not numbers or not all(math.isfinite(number) for number in numbers):
            sys.exit(f"column {column['name']} has no numbers, or numbers that are not finite")
        mean = sum(numbers) / len(numbers)
        return {"min": min(numbers), "max": max(numbers), "mean": mean}
    if column["type"] == "CATEGORY":
        return {"vocabulary": sorted(set(values))}
    sys.exit(f"column {column['name']}: the type {column['type']} is not NUMBER or CATEGORY")


def start_job(given, name):
    """Record the job in the cluster's folder; fail if there is no such cluster."""
    place = os.path.join(given.region, given.project, given.cluster_name)
    if not os.path.exists(os.path.join(place, "cluster.json")):
        sys.exit(f"there is no cluster {given.cluster_name} in {os.path.dirname(place)}")
    job = os.path.join(place, "jobs", name)
    os.makedirs(job, exist_ok=True)
    return job


main()
