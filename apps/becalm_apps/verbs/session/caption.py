"""A line of text below a picture."""

import io

_HEIGHT, _LEFT = 15, 3
_GROUND, _INK = (40, 40, 40), (235, 235, 235)


def caption(content: bytes, text: str) -> bytes:
    """A PNG with a line below it; as it was where it is too narrow for that."""
    from PIL import Image, ImageDraw

    with Image.open(io.BytesIO(content)) as image:
        picture = image.convert("RGB")
    canvas = Image.new("RGB", (picture.width, picture.height + _HEIGHT), _GROUND)
    draw = ImageDraw.Draw(canvas)
    if draw.textlength(text) + 2 * _LEFT > picture.width:
        return content
    canvas.paste(picture)
    draw.text((_LEFT, picture.height + 1), text, _INK)
    buffer = io.BytesIO()
    canvas.save(buffer, "PNG")
    return buffer.getvalue()
