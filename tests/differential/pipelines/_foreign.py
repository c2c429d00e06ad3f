"""Artifact classes that the SDKs treat as those of another package."""

from kfp import dsl


class ForeignModel(dsl.Artifact):
    schema_title = "google.ForeignModel"
    schema_version = "0.0.3"


class ForeignData(dsl.Artifact):
    schema_title = "google.ForeignData"
