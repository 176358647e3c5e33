"""What a panel reports is shown as text, tables and pictures, and as nothing else."""

from pathlib import Path

import pytest

from becalm.errors import UserError
from becalm.plugin.report import Picture, Progress, Saved, Table
from becalm_apps.studio.ui.output_view import OutputView, figure


def test_what_a_panel_says_is_text_and_never_markup() -> None:
    view = OutputView()
    bad = "<script>x</script>\"'&"
    view.add([bad, Table((bad,), ((bad,),), title=bad), Progress(1, 2, bad), Picture("image/png", b"", bad)])
    shown = view.text_html() + view.status("working") + view.picture_html() + view.status("failed", error=bad)
    assert "<script" not in shown and shown.count("&lt;script&gt;") == 8


@pytest.mark.parametrize("mime", ["text/html", 'image/png" onload="x', "image/", "application/pdf"])
def test_what_is_no_picture_is_not_shown(mime: str) -> None:
    with pytest.raises(UserError, match="a page shows pictures"):
        figure(Picture(mime, b""))


def test_a_table_takes_the_place_of_the_one_before() -> None:
    view = OutputView()
    view.add([Table(("a",), ((1,),)), Table(("a",), ((2,),)), Table(("b",), ((3,),))])
    assert [table.rows for table in view.tables.values()] == [((2,),), ((3,),)]
    view.add([Saved(Path("x")), Saved(Path("y")), Saved(Path("x"))])
    assert view.paths() == [Path("y"), Path("x")]


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(TypeError, match="a panel must yield"):
        OutputView().add([3])  # type: ignore[list-item]
