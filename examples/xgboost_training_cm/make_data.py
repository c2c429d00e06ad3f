"""Write the example's data: the breast cancer data set (Wisconsin) that scikit-learn ships.

The target column is called `resolution`, as in the original sample: ACTION for a malignant tumour,
NONE for a benign one. The results, ``data/{train,eval}.csv`` and ``data/schema.json``, are
committed. To create them again: ``pip install scikit-learn==1.7.2 && python make_data.py``.
"""

import csv
import json
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

FOLDER = Path(__file__).with_name("data")

data = load_breast_cancer()
names = [str(name).replace(" ", "_") for name in data.feature_names]
schema = [{"name": "resolution", "type": "CATEGORY"}]
schema += [{"name": name, "type": "NUMBER"} for name in names]
(FOLDER / "schema.json").write_text(json.dumps(schema, indent=1) + "\n")
rows = [
    [{"malignant": "ACTION", "benign": "NONE"}[data.target_names[target]]]
    + [f"{value:.6g}" for value in features]
    for features, target in zip(data.data, data.target, strict=True)
]
parts = train_test_split(rows, test_size=0.3, random_state=7, stratify=data.target)
for name, part in zip(("train", "eval"), parts, strict=True):
    with (FOLDER / f"{name}.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(part)
