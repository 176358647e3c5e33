"""Pictures as the bytes of PNGs."""

from typing import TYPE_CHECKING

from becalm.errors import UserError

if TYPE_CHECKING:
    from becalm.domain import Picture


def png(picture: "Picture") -> bytes:
    """The bytes of a picture that is a PNG.

    Raises:
        UserError: If it is something else.
    """
    if picture.mime != "image/png":
        raise UserError(f"this domain renders {picture.mime}, not PNG: name an --out that ends in .npz")
    return picture.content
