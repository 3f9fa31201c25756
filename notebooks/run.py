#!/usr/bin/env python3
# notebooks/run.py - run the notebooks, compare or renew the outputs they were saved with
"""Usage: notebooks/run.py check|write [NOTEBOOK]...

A server is found by libpq's PG* variables; each notebook gets a database of its own, made
here and dropped at the end. "check" compares what the code prints now with what is saved;
of pictures only that there is one. "write" saves what it prints now. Both use the data of the
project alone, whatever CLICKSTREAM_DATA names.
"""

import difflib
import os
import pathlib
import re
import sys
import tempfile

import nbformat
import papermill
import psycopg

FOLDER = pathlib.Path(__file__).resolve().parent
NOTEBOOKS = sorted(FOLDER.glob("[0-9]_*.ipynb"))
# The directory that a notebook works in has another name each time.
WORK = re.compile(r"(?:/[\w.+-]+)*(/clickstream-notebook)\.\w+")
# PostgreSQL 18 shows an average of rows in a plan.
ROWS = re.compile(r"rows=(\d+)\.00\b")


class Database:
    """A database of a notebook's own."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        with psycopg.connect(dbname="postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{self.name}"')
            server.execute(f'CREATE DATABASE "{self.name}"')
        return self

    def __exit__(self, *_):
        with psycopg.connect(dbname="postgres", autocommit=True) as server:
            server.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')


def join_streams(outputs_of_cell):
    """Pieces of one stream as one: where they part is a matter of time."""
    joined = []
    for output in outputs_of_cell:
        if joined and output.output_type == "stream" and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def clean(notebook):
    """Drop what differs from run to run: times, names of directories."""
    notebook.metadata.pop("papermill", None)
    for cell in notebook.cells:
        cell.metadata.clear()
        if cell.cell_type == "code":
            cell.outputs = join_streams(cell.outputs)
        for output in cell.get("outputs", []):
            output.get("metadata", {}).clear()
            if "text" in output:
                output.text = WORK.sub(r"/tmp\1", output.text)
            for kind, data in output.get("data", {}).items():
                if isinstance(data, str) and not kind.startswith("image/"):
                    output.data[kind] = WORK.sub(r"/tmp\1", data)
    return notebook


def execute(path, data=""):
    """Run a notebook from the beginning, on the project's data or on others; return it with its outputs."""
    os.environ["PGDATABASE"] = f"clickstream_{path.stem}"
    os.environ["CLICKSTREAM_DATA"] = str(data)
    with Database(os.environ["PGDATABASE"]), tempfile.TemporaryDirectory() as scratch:
        output = pathlib.Path(scratch, path.name)
        papermill.execute_notebook(path, output, kernel_name="python3", cwd=str(FOLDER), progress_bar=False)
        return clean(nbformat.read(output, as_version=4))


def outputs(notebook):
    """The lines that a notebook shows, with the number of the cell before each."""
    lines = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", []):
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                lines.append(f"cell {number}: a picture")
                continue
            text = data.get("text/html", data.get("text/plain", ""))
            lines += [f"cell {number}: {line}" for line in ROWS.sub(r"rows=\1", text).splitlines()]
    return lines


def differences(path):
    """What the code prints now, against what is saved; nothing where they are the same."""
    saved = nbformat.read(path, as_version=4)
    return list(difflib.unified_diff(outputs(saved), outputs(execute(path)), "saved", "now", lineterm="", n=1))


def main():
    names = [pathlib.Path(name).resolve() for name in sys.argv[2:]] or NOTEBOOKS
    if len(sys.argv) < 2 or sys.argv[1] not in ("check", "write"):
        sys.exit(__doc__)
    failed = False
    for path in names:
        if sys.argv[1] == "write":
            nbformat.write(execute(path), path)
            print(f"{path.name}: written")
            continue
        found = differences(path)
        failed = failed or bool(found)
        print("\n".join(found) if found else f"{path.name}: as saved")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
