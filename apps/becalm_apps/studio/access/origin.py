"""Whether a request comes from a page of another site, which the visitor's browser has open beside ours.

A browser says so in Sec-Fetch-Site, where the address is secure or of this machine, and in Origin wherever something
is sent (https://www.w3.org/TR/fetch-metadata, RFC 6454). Who is no browser says neither, and is nobody's tool.
"""

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

_OWN = ("same-origin", "none")


def is_foreign(method: str, headers: Mapping[str, str], hosts: Collection[str]) -> bool:
    """Whether another site's page makes the request; to follow a link from there is no such thing.

    Args:
        headers: By their names in small letters.
        hosts: Names, in small letters, that this page goes by beside the one that it is asked for.
    """
    site = headers.get("sec-fetch-site")
    if site is not None and site not in _OWN:
        return method != "GET" or headers.get("sec-fetch-mode") != "navigate"
    origin = headers.get("origin")
    if origin is None:
        return False
    place = urlsplit(origin).netloc.lower()
    # A page cannot forge what a proxy says of the name that it was asked for: such a header is not let through.
    named = (headers.get(name, "").lower().split(",")[0].strip() for name in ("host", "x-forwarded-host"))
    return not place or (place not in named and host_of(place) not in hosts)


def host_of(place: str) -> str:
    """The name in ``name:port``."""
    head, _, port = place.rpartition(":")
    return head if port.isdigit() and head else place
