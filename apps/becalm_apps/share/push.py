"""``becalm push``: a checkpoint with its card as a repository on the hub."""

import tempfile
from pathlib import Path

import click

from becalm.errors import UserError
from becalm.files import hub
from becalm.version import __version__
from becalm_apps.cli.document import print_document
from becalm_apps.share.bundle import SUMS, assemble, verify
from becalm_apps.share.card_overrides import CardOverrides, card_command

EXAMPLES = (
    "becalm push runs/images.safetensors owner/name --licence MIT --evaluate 500",
    "becalm push digits owner/name --private",
)
_HELP = """Sends a checkpoint to the hub of Hugging Face, in one commit; the repository is made if there is none.

CHECKPOINT is a folder that becalm export wrote, or what it takes. The token is that of hf auth login, or HF_TOKEN;
HF_ENDPOINT names another server.
"""


def _run(checkpoint: str, repository: str, private: bool, quiet: bool, as_json: bool, overrides: CardOverrides) -> None:
    target = hub.Repository.of(repository)
    if target.revision != "main":
        raise UserError(f"push goes to the main branch: name owner/name, got {repository!r}")
    folder = Path(checkpoint)
    if folder.is_dir():
        if overrides.given:
            raise UserError(f"{folder} has its card: leave out {', '.join(overrides.given)}, or push the checkpoint")
        verify(folder)
        address = _send(folder, target, private)
    else:
        with tempfile.TemporaryDirectory(prefix="becalm-") as temporary:
            bundle = assemble(checkpoint, overrides)
            if bundle.card.licence is None:
                raise UserError("a model without a licence is of no use to others: name one by --licence, such as MIT")
            bundle.fill(Path(temporary), f"{hub.PREFIX}{target.name}")
            address = _send(Path(temporary), target, private)
    if as_json:
        print_document({"repository": target.name, "address": address})
    elif not quiet:
        click.echo(f"{address}: becalm.load('{hub.PREFIX}{target.name}') loads it")


def _send(folder: Path, target: hub.Repository, private: bool) -> str:
    """Uploads the files of an export and nothing else; the address of the repository."""
    names = [hub.MODEL, "README.md", "picture.*", SUMS]
    with hub.explained(target) as api:
        address = api.create_repo(target.name, private=private, exist_ok=True)
        message = f"Model of becalm {__version__}"
        api.upload_folder(repo_id=target.name, folder_path=folder, allow_patterns=names, commit_message=message)
    return str(address)


command = card_command(
    "push",
    _run,
    text=_HELP,
    summary="Send a checkpoint with its card to the hub.",
    examples=EXAMPLES,
    params=[
        click.Argument(["checkpoint"]),
        click.Argument(["repository"], metavar="OWNER/NAME"),
        click.Option(["--private"], is_flag=True, help="Where the repository is made: for your eyes only."),
    ],
)
