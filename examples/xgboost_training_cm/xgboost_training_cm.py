"""The XGBoost Trainer of the overview of Kubeflow Pipelines 1.0, with a simulated cluster: a folder
that the first step creates, the other steps use, and the last step removes.

The steps pass the locations of their data as strings, and `.after()` orders them. Compile with
``python xgboost_training_cm.py``; the result contains paths of this folder.
"""

import os

from headrace import compiler, components, dsl, gcp

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data")
OUTPUT = os.path.join(HERE, "output")


def load(name):
    return components.load_component_from_file(
        os.path.join(HERE, "components", name, "component.yaml")
    )


create_cluster_op = load("create_cluster")
delete_cluster_op = load("delete_cluster")
analyze_op = load("analyze")
transform_op = load("transform")
train_op = load("train")
predict_op = load("predict")
confusion_matrix_op = load("confusion_matrix")
roc_op = load("roc")


@dsl.pipeline(
    name="XGBoost Trainer",
    description="A trainer that does end-to-end distributed training for XGBoost models.",
)
def xgb_train_pipeline(
    output=OUTPUT,
    project="xgboost-trainer",
    cluster_name="xgb-%s" % dsl.RUN_ID_PLACEHOLDER,
    region=OUTPUT + "/clusters",
    train_data=DATA + "/train.csv",
    eval_data=DATA + "/eval.csv",
    schema=DATA + "/schema.json",
    target="resolution",
    rounds=200,
    workers=2,
    true_label="ACTION",
):
    output_template = str(output) + "/" + dsl.RUN_ID_PLACEHOLDER + "/data"

    # The steps have no outputs with the locations of their results; these strings replace them.
    analyze_output = output_template
    transform_output_train = os.path.join(output_template, "train", "part-*")
    transform_output_eval = os.path.join(output_template, "eval", "part-*")
    train_output = os.path.join(output_template, "train_output")
    predict_output = os.path.join(output_template, "predict_output")

    with dsl.ExitHandler(
        exit_op=delete_cluster_op(project=project, region=region, name=cluster_name)
    ):
        _create_cluster_op = create_cluster_op(
            project=project, region=region, name=cluster_name, image_version="1.2"
        )

        _analyze_op = (
            analyze_op(
                project=project,
                region=region,
                cluster_name=cluster_name,
                schema=schema,
                train_data=train_data,
                output=output_template,
            )
            .after(_create_cluster_op)
            .set_display_name("Analyzer")
        )

        _transform_op = (
            transform_op(
                project=project,
                region=region,
                cluster_name=cluster_name,
                train_data=train_data,
                eval_data=eval_data,
                target=target,
                analysis=analyze_output,
                output=output_template,
            )
            .after(_analyze_op)
            .set_display_name("Transformer")
        )

        _train_op = (
            train_op(
                project=project,
                region=region,
                cluster_name=cluster_name,
                train_data=transform_output_train,
                eval_data=transform_output_eval,
                target=target,
                analysis=analyze_output,
                workers=workers,
                rounds=rounds,
                output=train_output,
            )
            .after(_transform_op)
            .set_display_name("Trainer")
        )

        _predict_op = (
            predict_op(
                project=project,
                region=region,
                cluster_name=cluster_name,
                data=transform_output_eval,
                model=train_output,
                target=target,
                analysis=analyze_output,
                output=predict_output,
            )
            .after(_train_op)
            .set_display_name("Predictor")
        )

        confusion_matrix_op(
            predictions=os.path.join(predict_output, "part-*.csv"),
            output_dir=output_template,
        ).after(_predict_op)

        roc_op(
            predictions_dir=os.path.join(predict_output, "part-*.csv"),
            true_class=true_label,
            true_score_column=true_label,
            output_dir=output_template,
        ).after(_predict_op)

    dsl.get_pipeline_conf().add_op_transformer(gcp.use_gcp_secret("user-gcp-sa"))


if __name__ == "__main__":
    compiler.Compiler().compile(xgb_train_pipeline, __file__ + ".yaml")
