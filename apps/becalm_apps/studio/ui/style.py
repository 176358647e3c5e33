"""How the page looks: fonts of the visitor's own system, so that none is fetched, and a little style of ours."""

from typing import Any

CSS = """
.gradio-container { width: 100%; max-width: 1280px !important; margin: 0 auto !important; }
.heading h1 { font-weight: 600; letter-spacing: -0.01em; margin: 0.2em 0 0; }
.heading p { margin: 0; color: var(--body-text-color-subdued); }
.stage .frame { min-height: 380px; border: 1px solid var(--border-color-primary); border-radius: 6px; padding: 10px;
  text-align: center; color: var(--body-text-color-subdued); }
.stage figure { margin: 0; }
.stage img, .stage video { display: inline; min-width: min(100%, 420px); max-width: 100%; max-height: 600px;
  border-radius: 4px; }
.stage figcaption { font-size: 0.85em; color: var(--body-text-color-subdued); margin-top: 0.3em; min-height: 1.4em; }
.status { font-size: 0.9em; min-height: 2.2em; color: var(--body-text-color-subdued);
  font-variant-numeric: tabular-nums; }
.status .bar { height: 4px; border-radius: 2px; background: var(--border-color-primary); overflow: hidden; }
.status .bar div { height: 100%; background: var(--color-accent); }
.status.failed { color: #b42318; background: #fef3f2; border: 1px solid #fecdca; border-radius: 6px;
  padding: 0.5em 0.8em; }
.dark .status.failed { color: #fda29b; background: #2d1110; border-color: #7a271a; }
table.figures { border-collapse: collapse; margin: 0.4em 0 0.8em; font-variant-numeric: tabular-nums; }
table.figures caption { text-align: left; font-weight: 600; padding: 0.2em 0; }
table.figures th, table.figures td { text-align: left; padding: 0.15em 1.2em 0.15em 0; border: 0; }
table.figures th { color: var(--body-text-color-subdued); font-weight: 400; }
table.figures tbody tr { border-top: 1px solid var(--border-color-primary); }
.told { overflow-x: auto; font-size: 0.92em; }
.lines { color: var(--body-text-color-subdued); }
.sketch-title { font-size: 0.9em; margin-bottom: 0.3em; }
.sketch-canvas { position: relative; width: 100%; max-width: 340px; background: black; border-radius: 6px;
  overflow: hidden; }
.sketch-canvas img, .sketch-canvas canvas { position: absolute; inset: 0; width: 100%; height: 100%; }
.sketch-canvas img { object-fit: fill; image-rendering: pixelated; }
.sketch-canvas canvas { cursor: crosshair; touch-action: none; }
.sketch-canvas canvas.mask, .sketch-canvas canvas.disc { opacity: 0.55; }
.sketch-row { display: flex; gap: 0.8em; align-items: center; margin-top: 0.3em; font-size: 0.85em; }
.sketch-row button { border: 1px solid var(--border-color-primary); border-radius: 4px; padding: 0.1em 0.8em;
  font-size: 1em; font-weight: 400; cursor: pointer; background: none; color: inherit; }
.sketch-canvas canvas:focus-visible { outline: 3px solid var(--color-accent); outline-offset: -3px; }
@media (max-width: 760px) { .sides > .column:last-child { order: -1; } .stage .frame { min-height: 160px; } }
.sketch-note { color: var(--body-text-color-subdued); }
footer { display: none !important; }
"""


def theme() -> Any:
    """Gradio's plain theme without its fonts from elsewhere."""
    import gradio as gr

    plain = gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        radius_size="sm",
        spacing_size="sm",
    )
    # Gradio's grey of small texts is too pale on white to be read easily (WCAG 2.2, 1.4.3: a contrast of 4.5).
    return plain.set(
        body_text_color_subdued="*neutral_600",
        block_info_text_color="*neutral_600",
        input_placeholder_color="*neutral_500",
    )
