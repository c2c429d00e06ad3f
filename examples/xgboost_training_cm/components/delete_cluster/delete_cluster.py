"""Remove the cluster and everything in it. It is no error if the cluster does not exist."""

import argparse
import os
import shutil
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True, help="the folder that holds the clusters")
    parser.add_argument("--name", required=True)
    given = parser.parse_args()
    if given.name != os.path.basename(given.name) or given.name in ("", ".", ".."):
        sys.exit(f"{given.name!r} is not a valid name of a cluster")
    place = os.path.join(given.region, given.project, given.name)
    if not os.path.isdir(place):
        print(f"there is no cluster {given.name} in {os.path.dirname(place)}")
        return
    if not os.path.isdir(os.path.join(place, "jobs")):
        sys.exit(f"{place} is not a cluster; nothing was deleted")
    for job in sorted(os.listdir(os.path.join(place, "jobs"))):
        print(f"it ran the job {job}")
    shutil.rmtree(place)
    print(f"cluster {given.name} is deleted")


main()
