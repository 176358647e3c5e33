"""A checkpoint as a registered MLflow model, with a pyfunc flavour from code: no pickle on either side.

MLflow runs that code from its store, so whoever can write there runs code where a model is loaded or served.
"""

import re
from pathlib import Path
from typing import Any

import mlflow
import mlflow.pyfunc
from mlflow import MlflowClient

from becalm_apps.tracking.manifest import RunManifest, read_header


def register(uri: str, checkpoint: Path, manifest: RunManifest, run_id: str) -> tuple[str, str]:
    """Logs a checkpoint as a model of a run, and registers it.

    Returns:
        Its registered name and version.
    """
    header = read_header(checkpoint)
    config = header["config"]
    tags = {"domain": str(config["domain"]), "digest": header["digest"], "step": str(config.get("step", 0))}
    name = model_name(tags["domain"], checkpoint.stem)
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    with mlflow.start_run(run_id=run_id):
        info: Any = mlflow.pyfunc.log_model(
            name=re.sub(r"[^\w-]", "-", checkpoint.stem),
            python_model=str(Path(__file__).with_name("model_code.py")),
            artifacts={"checkpoint": str(checkpoint)},
            # Named, since MLflow would load the model to find out.
            pip_requirements=[
                f"mlflow=={mlflow.__version__}",
                *(f"{distribution}=={version}" for distribution, (version, _) in manifest.code.items()),
            ],
            registered_model_name=name,
            metadata=tags,
        )
    version = str(info.registered_model_version)
    for key, value in tags.items():
        MlflowClient(uri, uri).set_model_version_tag(name, version, key, value)
    return name, version


def model_name(domain: str, stem: str) -> str:
    """The name that a domain's checkpoint is registered under: ``images-mine`` for runs/mine.safetensors."""
    plain = re.sub(r"[^\w.-]", "-", stem)
    return plain if plain == domain or plain.startswith(f"{domain}-") else f"{domain}-{plain}"
