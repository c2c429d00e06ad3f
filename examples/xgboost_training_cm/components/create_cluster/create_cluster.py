"""Provision the cluster: its folder and the description that the other steps look for."""

import argparse
import json
import os
import sys
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True, help="the folder that holds the clusters")
    parser.add_argument("--name", required=True)
    parser.add_argument("--image-version", required=True)
    parser.add_argument("--cluster-name-output", required=True)
    given = parser.parse_args()
    place = os.path.join(given.region, given.project, given.name)
    description = {
        "name": given.name,
        "project": given.project,
        "region": given.region,
        "imageVersion": given.image_version,
        "status": "RUNNING",
        "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    try:
        os.makedirs(os.path.join(place, "jobs"))
    except FileExistsError:
        sys.exit(f"the cluster {given.name} already exists: {place}")
    # Written to a temporary file and renamed, so that no step reads a partial file.
    with open(os.path.join(place, "cluster.json.new"), "w") as file:
        json.dump(description, file, indent=2)
    os.rename(os.path.join(place, "cluster.json.new"), os.path.join(place, "cluster.json"))
    os.makedirs(os.path.dirname(given.cluster_name_output), exist_ok=True)
    with open(given.cluster_name_output, "w") as file:
        file.write(given.name)
    print(f"cluster {given.name} is running in {place}")


main()
