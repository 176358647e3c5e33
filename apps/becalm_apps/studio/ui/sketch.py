"""A canvas to draw on: a mask or a scribble as a PNG, or a disc as three numbers. One small script, no library."""

import base64
import binascii
import re
from pathlib import Path
from typing import Any

from becalm.errors import UserError
from becalm.plugin.widget import Sketch

_MOST = 4 * 2**20
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NUMBER = r"-?\d+(?:\.\d+)?"

_TEMPLATE = """
<div class="sketch">
  <div class="sketch-title">{{title}}</div>
  <div class="sketch-canvas" style="aspect-ratio: {{width}} / {{height}}"><img class="ground" alt=""><canvas
    class="{{kind}}" width="{{width}}" height="{{height}}" tabindex="0"
    aria-label="{{title}} Arrow keys move the pen, the space bar puts it down and takes it up."></canvas></div>
  <div class="sketch-row"><button type="button" class="clear">clear</button><span class="sketch-note"></span></div>
</div>
"""

_SCRIPT = """
const canvas = element.querySelector('canvas'), pen = canvas.getContext('2d');
const ground = element.querySelector('.ground'), note = element.querySelector('.sketch-note');
const disc = props.kind === 'disc', ink = props.kind === 'scribble' ? 'white' : '#e11d6b';
let drawing = false, last = null, middle = null;
const show = () => {
  const picture = props.ground || '';
  ground.style.visibility = picture ? 'visible' : 'hidden';
  if (picture && ground.getAttribute('src') !== picture) ground.src = picture;
  note.textContent = props.note || '';
};
const place = (event) => {
  const box = canvas.getBoundingClientRect();
  const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
  return [x * canvas.width, y * canvas.height];
};
const send = () => {
  if (disc) return;
  const flat = document.createElement('canvas');
  flat.width = canvas.width; flat.height = canvas.height;
  const context = flat.getContext('2d');
  context.drawImage(canvas, 0, 0);
  context.globalCompositeOperation = 'source-in';
  context.fillStyle = 'white'; context.fillRect(0, 0, flat.width, flat.height);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = 'black'; context.fillRect(0, 0, flat.width, flat.height);
  props.value = flat.toDataURL('image/png');
};
const circle = (x, y, radius) => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fillStyle = ink; pen.fill();
  props.value = [x, y, radius].map((number) => (number / canvas.width).toFixed(4)).join(',');
};
const draw = (to) => {
  if (disc) {
    circle(middle[0], middle[1], Math.max(Math.hypot(to[0] - middle[0], to[1] - middle[1]), 0.03 * canvas.width));
    return;
  }
  pen.strokeStyle = ink; pen.lineWidth = Number(props.pen); pen.lineCap = pen.lineJoin = 'round';
  pen.beginPath(); pen.moveTo(last[0], last[1]); pen.lineTo(to[0], to[1]); pen.stroke();
  last = to;
};
canvas.addEventListener('pointerdown', (event) => {
  drawing = true; last = middle = place(event);
  canvas.setPointerCapture(event.pointerId);
  draw(last); event.preventDefault();
});
canvas.addEventListener('pointermove', (event) => { if (drawing) draw(place(event)); });
canvas.addEventListener('pointerup', () => { if (drawing) { drawing = false; send(); } });
// Without a mouse: a pen that arrows move and the space bar puts down.
let at = [canvas.width / 2, canvas.height / 2], down = false;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener('keydown', (event) => {
  const move = MOVES[event.key], step = Math.max(canvas.width, canvas.height) / (event.shiftKey ? 7 : 28);
  if (event.key === ' ') {
    down = !down; last = middle = at;
    if (down) draw(at); else send();
  } else if (move) {
    const inside = (value, size) => Math.min(Math.max(value, 0), size);
    at = [inside(at[0] + step * move[0], canvas.width), inside(at[1] + step * move[1], canvas.height)];
    if (down) { draw(at); send(); }
  } else return;
  const where = at.map((value, axis) => Math.round(100 * value / [canvas.width, canvas.height][axis]));
  note.textContent = `pen ${down ? 'down' : 'up'} at ${where[0]} %, ${where[1]} %`;
  event.preventDefault();
});
element.querySelector('.clear').addEventListener('click', () => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  props.value = '';
});
watch(['ground', 'note'], show);
show();
"""


def canvas(sketch: Sketch, title: str, name: str) -> Any:
    """The component. Its value is a data URL or numbers between commas, empty where nothing is drawn; its props
    ``ground`` and ``note`` are a data URL to draw on, and words below.
    """
    import gradio as gr

    width, height = sketch.size
    return gr.HTML(
        "",
        html_template=_TEMPLATE,
        js_on_load=_SCRIPT,
        elem_id=name,
        title=title,
        kind=sketch.kind,
        width=width,
        height=height,
        pen=sketch.pen,
        ground="",
        note="",
    )


def parse_drawing(sketch: Sketch, value: str, path: Path) -> str:
    """What was drawn, as the field has it: the path of a PNG written now, or three numbers.

    Raises:
        UserError: If it is nothing that the canvas sends.
    """
    if sketch.kind == "disc":
        if not re.fullmatch(",".join([_NUMBER] * 3), value):
            raise UserError(f"a disc must be x,y,radius, got {value[:60]!r}")
        return value
    head, _, text = value.partition(",")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if head != "data:image/png;base64" or not content.startswith(_SIGNATURE) or len(content) > _MOST:
        raise UserError("a drawing must be a PNG of the page's own making")
    path.write_bytes(content)
    return str(path)
