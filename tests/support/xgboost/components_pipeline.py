"""The XGBoost example's components in one pipeline of the real kfp SDK: FOLDER PACKAGE.yaml.

kfp 2 has no run ID in default values and no `exit_op`; otherwise they are wired as in
``xgboost_training_cm.py``. All files are in FOLDER.
"""

import sys
from pathlib import Path

from kfp import compiler, components, dsl

EXAMPLE = Path(__file__).parents[3] / "examples" / "xgboost_training_cm"
FOLDER, PACKAGE = sys.argv[1:]
DATA = f"{FOLDER}/data"


def load(name):
    """A component of the example."""
    return components.load_component_from_file(
        str(EXAMPLE / "components" / name / "component.yaml")
    )


@dsl.pipeline(name="xgboost-components")
def pipeline(rounds: int = 200, workers: int = 2, target: str = "resolution"):
    """The eight steps, in order."""
    place = {"project": "p", "region": FOLDER}
    cluster = {**place, "cluster_name": "xgb-1"}
    parts = {"train_data": f"{DATA}/train/part-*", "eval_data": f"{DATA}/eval/part-*"}
    files = {
        "train_data": str(EXAMPLE / "data" / "train.csv"),
        "eval_data": str(EXAMPLE / "data" / "eval.csv"),
    }
    known = {"analysis": DATA, "target": target}
    with dsl.ExitHandler(load("delete_cluster")(**place, name="xgb-1")):
        last = load("create_cluster")(**place, name="xgb-1", image_version="1.2")
        last = load("analyze")(
            **cluster,
            schema=str(EXAMPLE / "data" / "schema.json"),
            train_data=files["train_data"],
            output=DATA,
        ).after(last)
        last = load("transform")(**cluster, **files, **known, output=DATA).after(last)
        last = load("train")(
            **cluster, **parts, **known, workers=workers, rounds=rounds, output=f"{DATA}/model"
        ).after(last)
        last = load("predict")(
            **cluster,
            **known,
            data=parts["eval_data"],
            model=f"{DATA}/model",
            output=f"{DATA}/predicted",
        ).after(last)
        predictions = f"{DATA}/predicted/part-*.csv"
        load("confusion_matrix")(predictions=predictions, output_dir=DATA).after(last)
        load("roc")(
            predictions_dir=predictions,
            true_class="ACTION",
            true_score_column="ACTION",
            output_dir=DATA,
        ).after(last)


compiler.Compiler().compile(pipeline, PACKAGE)
