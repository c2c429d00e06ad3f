"""Train two models in parallel, evaluate them on the same test data, and keep the better one.

The data set (breast cancer, Wisconsin) is part of scikit-learn, so only packages are downloaded.
Compile with ``python pipeline.py``; the result, ``pipeline.yaml``, is committed.
"""

from typing import NamedTuple

from kfp import compiler, dsl
from kfp.dsl import ClassificationMetrics, Dataset, Input, Metrics, Model, Output

# The same packages in all steps, so that they share one environment.
PACKAGES = ["numpy==2.3.5", "scikit-learn==1.7.2", "xgboost-cpu==2.1.3"]


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def prepare(test_fraction: float, seed: int, train: Output[Dataset], test: Output[Dataset]):
    """Split the data into a training and a test set."""
    import numpy as np
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer()
    rows = np.column_stack([data.data, data.target])
    parts = train_test_split(rows, test_size=test_fraction, random_state=seed, stratify=data.target)
    for part, dataset in zip(parts, (train, test), strict=True):
        np.savetxt(dataset.path, part, delimiter=",", fmt="%.6g")
        dataset.metadata["rows"] = len(part)
        print(f"{dataset.name.rsplit('/', 1)[-1]}: {len(part)} rows")


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def train_model(train: Input[Dataset], depth: int, rounds: int, seed: int, model: Output[Model]):
    """Train gradient-boosted trees."""
    import numpy as np
    import xgboost

    rows = np.loadtxt(train.path, delimiter=",")
    matrix = xgboost.DMatrix(rows[:, :-1], label=rows[:, -1])
    settings = {"objective": "binary:logistic", "max_depth": depth, "seed": seed, "nthread": 1}
    booster = xgboost.train(settings, matrix, num_boost_round=rounds)
    model.metadata.update(depth=depth, rounds=rounds)
    booster.save_model(model.path + ".json")
    # xgboost derives the format from the suffix; the artifact's path has none.
    import os

    os.replace(model.path + ".json", model.path)


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def predict(model: Input[Model], test: Input[Dataset], predictions: Output[Dataset]):
    """Write the true class and the predicted probability of each test row."""
    import numpy as np
    import xgboost

    with open(model.path, "rb") as file:
        booster = xgboost.Booster(model_file=bytearray(file.read()))
    rows = np.loadtxt(test.path, delimiter=",")
    scores = booster.predict(xgboost.DMatrix(rows[:, :-1]))
    table = np.column_stack([rows[:, -1], scores])
    np.savetxt(
        predictions.path,
        table,
        delimiter=",",
        fmt=["%d", "%.6f"],
        header="target,score",
        comments="",
    )


@dsl.component(base_image="python:3.11", packages_to_install=PACKAGES)
def evaluate(
    predictions: Input[Dataset], metrics: Output[Metrics], charts: Output[ClassificationMetrics]
) -> float:
    """Accuracy, confusion matrix and ROC curve of the predictions."""
    import numpy as np
    from sklearn.metrics import accuracy_score, confusion_matrix, roc_auc_score, roc_curve

    target, score = np.loadtxt(predictions.path, delimiter=",", skiprows=1, unpack=True)
    predicted = score > 0.5
    accuracy = float(accuracy_score(target, predicted))
    metrics.log_metric("accuracy", accuracy)
    metrics.log_metric("roc_auc", float(roc_auc_score(target, score)))
    matrix = confusion_matrix(target, predicted).tolist()
    charts.log_confusion_matrix(["malignant", "benign"], matrix)
    false_positive, true_positive, thresholds = roc_curve(target, score)
    finite = np.isfinite(thresholds)  # the first threshold is infinite, which JSON cannot express
    charts.log_roc_curve(
        false_positive[finite].tolist(),
        true_positive[finite].tolist(),
        thresholds[finite].tolist(),
    )
    print(f"accuracy {accuracy:.4f}")
    return accuracy


@dsl.component(base_image="python:3.11")
def choose_better(
    shallow: Input[Model],
    deep: Input[Model],
    shallow_accuracy: float,
    deep_accuracy: float,
    best: Output[Model],
) -> NamedTuple("Choice", [("name", str), ("accuracy", float)]):
    """Keep the more accurate model; if both are equal, the shallow one, which is cheaper to run."""
    import shutil
    from collections import namedtuple

    name, model, accuracy = "shallow", shallow, shallow_accuracy
    if deep_accuracy > shallow_accuracy:
        name, model, accuracy = "deep", deep, deep_accuracy
    shutil.copyfile(model.path, best.path)
    best.metadata.update(model.metadata, accuracy=accuracy)
    print(f"{name} wins with {accuracy:.4f}")
    return namedtuple("Choice", ["name", "accuracy"])(name, accuracy)


@dsl.pipeline(name="train-and-choose", description="Two models side by side; the better one wins.")
def train_and_choose(
    test_fraction: float = 0.3,
    seed: int = 7,
    rounds: int = 40,
    shallow_depth: int = 1,
    deep_depth: int = 5,
) -> NamedTuple("Outputs", [("best_model", str), ("accuracy", float)]):
    data = prepare(test_fraction=test_fraction, seed=seed)
    models, scores = {}, {}
    for name, depth in (("shallow", shallow_depth), ("deep", deep_depth)):
        trained = train_model(
            train=data.outputs["train"], depth=depth, rounds=rounds, seed=seed
        ).set_display_name(f"train {name}")
        predicted = predict(
            model=trained.outputs["model"], test=data.outputs["test"]
        ).set_display_name(f"predict {name}")
        judged = evaluate(predictions=predicted.outputs["predictions"]).set_display_name(
            f"evaluate {name}"
        )
        models[name], scores[name] = trained.outputs["model"], judged.outputs["Output"]
    choice = choose_better(
        shallow=models["shallow"],
        deep=models["deep"],
        shallow_accuracy=scores["shallow"],
        deep_accuracy=scores["deep"],
    ).set_display_name("choose the better")
    outputs = NamedTuple("Outputs", [("best_model", str), ("accuracy", float)])
    return outputs(choice.outputs["name"], choice.outputs["accuracy"])


if __name__ == "__main__":
    from pathlib import Path

    compiler.Compiler().compile(train_and_choose, str(Path(__file__).with_name("pipeline.yaml")))
