# test/notebooks/test_notebooks.py - the notebooks run, and show what they were saved with
"""Run by the environment of the notebooks, on a server that PG* variables name."""

import base64
import os
import pathlib
import re
import struct
import sys

import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "notebooks"))
import run  # noqa: E402


DATA = pathlib.Path(os.environ.get("CLICKSTREAM_DATA") or ROOT / "../shared/data")


def saved(path):
    return nbformat.read(path, as_version=4)


def test_there_are_notebooks():
    assert [path.name[0] for path in run.NOTEBOOKS][:4] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("path", run.NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_current(path):
    """The code, run now, shows the numbers that are saved."""
    found = run.differences(path)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.skipif(not (DATA / "ml-1m").is_dir(), reason="the data of MovieLens-1M is not there")
def test_recommender_on_movielens():
    """The notebook takes MovieLens-1M where it is there: the numbers are its, and the model beats popularity."""
    path, = (path for path in run.NOTEBOOKS if path.stem == "4_recommend")
    lines = [line.split(": ", 1)[1].strip() for line in run.outputs(run.execute(path, DATA.resolve()))]
    assert "MovieLens-1M" in lines and lines.count("<td>6040</td>") == 2
    recall = {name: float(re.sub("<.*?>", "", lines[lines.index(f"<th>{name}</th>") + 2]))
              for name in ("the model", "the best known")}
    assert recall["the model"] > 1.5 * recall["the best known"] > 0


@pytest.mark.parametrize("path", run.NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_form(path):
    """Every code cell was run, in order, without errors; pictures, no widgets; names of no place."""
    notebook = saved(path)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    for cell in code:
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", output
            kinds = set(output.get("data", {}))
            assert kinds <= {"text/plain", "text/html", "image/png"}, kinds
            if "image/png" in kinds:
                image = base64.b64decode(output.data["image/png"])
                width, height = struct.unpack(">II", image[16:24])
                assert width >= 400 and height >= 150 and len(image) > 5_000
    shown = "\n".join(run.outputs(notebook))
    assert not re.search(r"/(home|root|src)/|clickstream-notebook\.", shown)
    assert path.stat().st_size < 1_000_000


def test_reports_come_from_files():
    """A query of a report stands in sql/, and all queries there are used."""
    cells = [cell.source for path in run.NOTEBOOKS for cell in saved(path).cells if cell.cell_type == "code"]
    files = {path.stem for path in (ROOT / "sql" / "postgres" / "queries").glob("*.sql")}
    assert set(re.findall(r'\{\{query\("(\w+)"\)\}\}', "\n".join(cells))) == files
    reports = r"\b(session_report|weekly_rewards|campaign_engagement|recommend\w*|similar_items)\("
    assert not any(re.search(reports, cell) for cell in cells)
