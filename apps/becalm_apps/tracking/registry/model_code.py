"""What MLflow copies beside a registered checkpoint and runs to load it: a model from code."""

import warnings

from mlflow.models import set_model

with warnings.catch_warnings():
    # MLflow warns that it will not check requests; becalm does.
    warnings.simplefilter("ignore")
    from becalm_apps.tracking.registry.pyfunc import Sampling

set_model(Sampling())
