"""Models on the hub of Hugging Face, or on another server that speaks as it does (``HF_ENDPOINT``).

    hf:owner/name           the file model.safetensors of a repository
    hf:owner/name@v2        of a branch, a tag or a commit

Only safetensors files are taken, and those are verified by their digest. ``huggingface_hub`` does the talking, keeps
what was downloaded, and knows the token (``hf auth login``, ``HF_TOKEN``). Imports no torch.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from becalm.errors import UserError, first_line
from becalm.gate.limit import most
from becalm.plugin.distribution.missing import explain
from becalm.version import __version__

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PREFIX = "hf:"
MODEL = "model.safetensors"
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?"
_NAME = re.compile(rf"({_PART}/{_PART})(?:@([A-Za-z0-9._/-]+))?")


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository, at a branch, tag or commit."""

    name: str
    revision: str = "main"

    @classmethod
    def of(cls, text: str) -> "Repository":
        """The repository that ``hf:owner/name[@revision]`` names; the prefix may be left out.

        Raises:
            UserError: If it names none.
        """
        found = _NAME.fullmatch(text.removeprefix(PREFIX))
        if found is None or ".." in text or "--" in text:
            raise UserError(f"a repository is named hf:owner/name or hf:owner/name@revision, got {text!r}")
        return cls(found[1], found[2] or "main")


def named(name: str | Path) -> bool:
    """Whether a name is that of a repository."""
    return str(name).startswith(PREFIX)


def may_be(name: str) -> bool:
    """Whether a name has the form of a repository's, but for the prefix."""
    return _NAME.fullmatch(name) is not None


def download(text: str, file: str = MODEL) -> Path:
    """A file of ``hf:owner/name[@revision]``, downloaded unless it is there already.

    Raises:
        UserError: If it cannot be had, with the reason, or ``huggingface_hub`` is not installed.
    """
    repository = Repository.of(text)
    with explained(repository, file) as api:
        from huggingface_hub import errors, hf_hub_url

        cache = os.environ.get("HF_HUB_CACHE")
        here = False
        try:
            # Asked once: the download itself waits half a minute for a network that is not there.
            address = hf_hub_url(repository.name, file, revision=repository.revision, endpoint=api.endpoint)
            size = api.get_hf_file_metadata(url=address).size
            if size is not None and size > most():
                raise UserError(f"{file} of {PREFIX}{repository.name} has {size} bytes, at most {most()} are read")
        except (errors.HfHubHTTPError, UserError):
            raise
        except Exception:  # What a network that fails raises depends on the library below.
            here = True
        name, revision = repository.name, repository.revision
        return Path(api.hf_hub_download(name, file, revision=revision, cache_dir=cache, local_files_only=here))


@contextmanager
def explained(repository: Repository, file: str = MODEL) -> Iterator["HfApi"]:
    """The hub to talk to; what goes wrong in the block becomes one sentence.

    Raises:
        UserError: If anything does, or ``huggingface_hub`` is not installed.
    """
    try:
        from huggingface_hub import HfApi, errors
        from huggingface_hub.utils import logging
        from huggingface_hub.utils.tqdm import disable_progress_bars
    except ModuleNotFoundError as error:
        raise UserError(explain(str(error.name), who=f"a name of {PREFIX}")) from error
    disable_progress_bars()
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    api = HfApi(os.environ.get("HF_ENDPOINT"), library_name="becalm", library_version=__version__)
    name = f"{PREFIX}{repository.name}"
    try:
        yield api
    except errors.GatedRepoError as error:
        raise UserError(f"{name} asks for consent: give it at {api.endpoint}/{repository.name}") from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(f"there is no {name}, or it is private and you are not known: hf auth login") from error
    except errors.RevisionNotFoundError as error:
        raise UserError(f"{name} has no revision {repository.revision!r}") from error
    except errors.LocalEntryNotFoundError as error:
        raise UserError(f"{name} is not here yet and {api.endpoint} cannot be reached: is there a network?") from error
    except errors.EntryNotFoundError as error:
        raise UserError(f"{name} has no file {file}") from error
    except errors.HfHubHTTPError as error:
        raise UserError(f"{api.endpoint} refuses {name}: {_reason(error)}") from error
    except errors.LocalTokenNotFoundError as error:
        raise UserError(f"{api.endpoint} does not know you: hf auth login, or set HF_TOKEN") from error
    except errors.HFValidationError as error:
        raise UserError(f"{name} is no name of a repository: {first_line(error)}") from error
    except (ConnectionError, getattr(errors, "HTTPError", ConnectionError)) as error:
        raise UserError(f"{api.endpoint} cannot be reached for {name}: {first_line(error)}") from error


def _reason(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status == 401:
        return "it does not know you, hf auth login or set HF_TOKEN"
    if status == 403:
        return "your token may not write there"
    message = getattr(error, "server_message", None) or first_line(error)
    return f"{status}, {message}" if status else message
