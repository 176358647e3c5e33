"""A checkpoint that answers sampling requests, as MLflow's pyfunc: one answer per request.

    {"inputs": [{"label": [7], "count": 4, "seed": 1}]}

A request holds the keyword arguments of ``Model.sample``; the answer the arrays that an .npz of the samples holds, and
their picture. No pickle is stored, but ``model_code.py`` is, and MLflow runs it: whoever can write to the store of
artifacts runs code where a model is loaded or served.
"""

import base64
from collections.abc import Mapping
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PythonModel
from mlflow.pyfunc.model import PythonModelContext
from pydantic import ValidationError

from becalm.errors import UserError, sentence


class Sampling(PythonModel):  # type: ignore[misc] # MLflow ships no type hints
    """Answers sampling requests with the model of the checkpoint that it was registered with."""

    def load_context(self, context: PythonModelContext) -> None:
        from becalm.model import load

        self._model = load(context.artifacts["checkpoint"])

    def predict(
        self, context: PythonModelContext, model_input: list[dict[str, Any]], params: Any = None
    ) -> list[dict[str, Any]]:
        """The answers to some requests, in their order.

        Raises:
            MlflowException: If a request does not fit, with the sentence that the command line would say.
        """
        try:
            return [self._answer(fields) for fields in model_input]
        except ValueError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error

    def _answer(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        try:
            request = self._model.domain.request.model_validate(fields)
        except ValidationError as error:
            raise UserError(sentence(error)) from error
        samples = self._model.sample(request)
        arrays = self._model.domain.arrays(samples.data, samples.cond)
        picture = samples.picture()
        return {
            "samples": {name: tensor.tolist() for name, tensor in arrays.items()},
            "picture": f"data:{picture.mime};base64,{base64.b64encode(picture.content).decode()}",
            "checkpoint": self._model.digest,
        }
