# test/python/code_figures.py - the figures of our C code that docs/development.md shows
"""Functions are counted from the line of their name to their last brace.

Run it for the table and the functions over LONG_FUNCTION lines.
"""

import pathlib
import re
import statistics

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("core", "extension", "loader")
LONG_FUNCTION = 60


def lines_of(path):
    return path.read_text(encoding="utf-8", errors="replace").split("\n")


def function_lengths(lines):
    """Yield name, first line and length of each function of a C file.

    Relies on the house layout: the body ends with the first brace in column one.
    """
    name, named_at, inside = None, 0, False
    for number, line in enumerate(lines, 1):
        if line.startswith("}") and inside:
            if name:
                yield name, named_at, number - named_at + 1
            name, inside = None, False
        elif not inside and line == "{":
            inside = True
        elif not inside and re.match(r"\w[^;={]*\(", line):
            name, named_at = re.sub(r"\(.*", "", line).split()[-1].lstrip("*"), number
            inside = line.endswith("{")
        elif not inside and line.endswith(("{", ";")):
            name, inside = None, line.endswith("{")


def count_comments(lines):
    """The lines that hold nothing but a comment, or a part of one."""
    count, inside = 0, False
    for line in map(str.strip, lines):
        alone = inside or line.startswith(("/*", "//"))
        if "/*" in line:
            inside = "*/" not in line.rpartition("/*")[2]
        elif "*/" in line:
            inside = False
        count += alone and (inside or line.endswith("*/") or line.startswith("//"))
    return count


def figures(paths):
    """One row: functions, median and longest, share of comments, longest file, lines."""
    lengths, comments, written, longest_file, total = [], 0, 0, 0, 0
    for path in paths:
        lines = lines_of(path)[:-1]
        lengths += [length for _, _, length in function_lengths(lines)]
        comments += count_comments(lines)
        written += sum(1 for line in lines if line.strip())
        longest_file = max(longest_file, len(lines))
        total += len(lines)
    return (len(lengths), statistics.median(lengths), max(lengths),
            100 * comments / written, longest_file, total)


def main():
    found = {folder: sorted((ROOT / folder).glob("*.[ch]")) for folder in FOLDERS}
    found["all"] = [path for paths in found.values() for path in paths]
    print("| folder | functions | median | longest | comment lines | longest file | lines |")
    print("|---|---|---|---|---|---|---|")
    for name, paths in found.items():
        count, median, longest, share, file, total = figures(paths)
        name = name if name == "all" else f"`{name}/`"
        print(f"| {name} | {count} | {median:g} | {longest} | {share:.0f} % | {file} | {total} |")
    print()
    for path in found["all"]:
        for name, start, length in function_lengths(lines_of(path)):
            if length > LONG_FUNCTION:
                print(f"{path.relative_to(ROOT)}:{start}: {name} has {length} lines")


if __name__ == "__main__":
    main()
