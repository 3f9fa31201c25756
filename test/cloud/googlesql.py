# test/cloud/googlesql.py - sql/bigquery on ZetaSQL, the analyzer and evaluator of GoogleSQL
"""Run as a program, it only compiles the engine, once, which takes half a minute.

It has types, functions and queries of the real one, but no tables, no views and no scripts. So
tables are rows of ours under a common table expression, views and table functions are put in where
they are called, and a procedure is carried out statement by statement."""

import os
import re

from conftest import ROOT

SQL = ROOT / "sql" / "bigquery"
# What kind of raw value stands for a column, and how it becomes the column.
TYPES = {"TIMESTAMP": ("INT64", "TIMESTAMP_MICROS({0})"), "BOOL": ("BOOL", "{0}"), "INT64": ("INT64", "{0}"),
         "STRING": ("STRING", "{0}"),
         "ARRAY<INT64>": ("STRING", "ARRAY(SELECT CAST(x AS INT64) FROM UNNEST(SPLIT({0}, ',')) AS x "
                                    "WITH OFFSET AS o WHERE x <> '' ORDER BY o)")}
BACK = {"TYPE_TIMESTAMP": "UNIX_MICROS({0})", "TYPE_DATE": "CAST({0} AS STRING)", "TYPE_TIME": "CAST({0} AS STRING)",
        "TYPE_NUMERIC": "CAST({0} AS STRING)",
        "TYPE_ARRAY": "ARRAY_TO_STRING(ARRAY(SELECT CAST(x AS STRING) FROM UNNEST({0}) AS x WITH OFFSET AS o "
                      "ORDER BY o), ',')"}
TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS clickstream\.(\w+) \((.*?)\n\)", re.DOTALL)
FUNCTION = re.compile(r"CREATE OR REPLACE TABLE FUNCTION clickstream\.(\w+)\(since TIMESTAMP, until TIMESTAMP\)\n"
                      r"AS \(\n(.*?)\n\);", re.DOTALL)
VIEW = re.compile(r"CREATE OR REPLACE VIEW clickstream\.(\w+) AS\n(.*?);\n", re.DOTALL)
PROCEDURE = re.compile(r"CREATE OR REPLACE PROCEDURE clickstream\.(\w+)\(.*?\)\n(?:OPTIONS.*\n)?"
                       r"BEGIN\n(.*)\nEND;", re.DOTALL)
CALL = re.compile(r"clickstream\.(\w+)\(")


def without_comments(text):
    return re.sub(r"^ *--.*\n", "", text, flags=re.MULTILINE)


def read_sql():
    """All files, in order of their names, comments removed."""
    return {path.stem: without_comments(path.read_text(encoding="utf-8")) for path in sorted(SQL.glob("*.sql"))}


def columns_of(body):
    """Names and types of a table's columns."""
    body = re.sub(r"OPTIONS \(.*?'\)", "", body, flags=re.DOTALL)
    return [tuple(line.split()[:2]) for line in (part.strip() for part in body.split(",\n")) if line]


def cache_compiled():
    """Let wasmtime keep the compiled engine below build, which takes half a minute to make."""
    from wasmtime import Config  # pylint: disable=import-outside-toplevel
    folder = ROOT / "build" / "wasm-cache"
    settings = folder.with_suffix(".toml")
    text = f'[cache]\ndirectory = "{folder}"\n'
    if not settings.exists() or settings.read_text(encoding="utf-8") != text:
        folder.mkdir(parents=True, exist_ok=True)
        settings.write_text(text, encoding="utf-8")
    made = Config.__init__

    def make(self, *arguments, **options):
        made(self, *arguments, **options)
        self.cache = os.fspath(settings)

    Config.__init__ = make


class Warehouse:
    """The tables of sql/bigquery as lists of raw rows, and queries over them."""

    def __init__(self):
        cache_compiled()
        from zetasql import api, types  # pylint: disable=import-outside-toplevel
        self.api, self.types = api, types
        self.files = read_sql()
        text = "\n".join(self.files.values())
        self.columns = {name: columns_of(body) for name, body in TABLE.findall(text)}
        self.procedures = {name: body for file in self.files.values() for name, body in PROCEDURE.findall(file)}
        self.rows = {name: [] for name in self.columns}
        self.variables = {}
        self.language = types.LanguageOptions.maximum_features()
        self.options = types.AnalyzerOptions(language_options=self.language, default_timezone="UTC")
        self.catalog = self.make_catalog()

    def make_catalog(self):
        builder = self.api.CatalogBuilder("bigquery")
        for name, columns in self.columns.items():
            table = self.api.TableBuilder(f"raw_{name}")
            for column, kind in columns:
                table.add_column(column, getattr(self.types.TypeKind, f"TYPE_{TYPES[kind][0]}"))
            builder.add_table(table.build())
        builtin = self.types.ZetaSQLBuiltinFunctionOptions(language_options=self.language)
        return builder.with_builtin_functions(builtin).build()

    def with_tables(self, text):
        """The query behind common table expressions of the tables that it uses."""
        text = inlined(text)
        used = [name for name in self.columns if re.search(rf"clickstream\.{name}\b", text)]
        tables = ", ".join(
            "{0} AS (SELECT {1} FROM raw_{0})".format(name, ", ".join(
                f"{TYPES[kind][1].format('raw_' + name + '.' + column)} AS {column}"
                for column, kind in self.columns[name])) for name in used)
        for name, value in self.variables.items():
            text = re.sub(rf"(?<!AS )(?<![.\w]){name}\b(?! *=)", lambda _, value=value: value, text)
        text = text.replace("clickstream.", "")
        return (f"WITH {tables} SELECT * FROM ({text})" if used else text), used

    def analyzed(self, text):
        """Names and kinds of a query's columns."""
        analyzer = self.api.Analyzer(self.options, self.catalog)
        return [(column.name, column.column.type.type_kind)
                for column in analyzer.analyze_statement(text).output_column_list]

    def query(self, text):
        """Run a query; its rows as tuples of raw values: times in microseconds, lists as text."""
        text, used = self.with_tables(text)
        names = self.analyzed(text)
        back = ", ".join(BACK.get(kind.name, "{0}").format(name) + f" AS {name}" for name, kind in names)
        builder = self.api.PreparedQuery.builder().set_sql(f"SELECT {back} FROM ({text})")
        content = {f"raw_{name}": self.api.create_table_content(self.rows[name]) for name in used}
        query = (builder.set_analyzer_options(self.options).set_catalog(self.catalog)
                 .set_table_content(content).prepare())
        with query:
            answer = query.execute()
        found = answer.content.table_data
        return [tuple(raw(cell) for cell in row.cell) for row in found.row] if found else []

    def value(self, expression):
        return self.query(f"SELECT {expression} AS answer")[0][0]

    def call(self, name):
        """Carry out a procedure; of its transaction only that it is ended is of interest here."""
        self.variables = {}
        self.carry_out(statements(self.procedures[name]))
        self.variables = {}

    def carry_out(self, found):
        for one in found:
            if isinstance(one, tuple):
                condition, then, otherwise = one
                self.carry_out(then if self.value(condition) else otherwise)
            else:
                self.statement(one)

    def statement(self, text):
        """One statement of a procedure."""
        word = text.split()[0]
        if word in ("BEGIN", "COMMIT"):
            return
        if word == "DECLARE":
            self.variables[text.split()[1]] = f"CAST(NULL AS {text.split()[2]})"
        elif word == "SET":
            names, query = re.fullmatch(r"SET \(([\w, ]+)\) = \(\s*(SELECT AS STRUCT .*)\)", text, re.DOTALL).groups()
            row = self.query(query.replace("SELECT AS STRUCT", "SELECT", 1))[0]
            for name, value in zip(names.split(", "), row):
                self.assign(name, value)
        elif word == "INSERT":
            self.insert(text)
        else:
            self.change(text)

    def assign(self, name, value):
        kind = "INT64" if self.variables[name].endswith(("INT64)", name)) or self.variables[name].isdigit() else "TIME"
        written = "NULL" if value is None else str(value)
        self.variables[name] = (f"TIMESTAMP_MICROS({written})" if kind == "TIME" else f"CAST({written} AS INT64)")

    def insert(self, text):
        table, names, query = re.fullmatch(r"INSERT INTO clickstream\.(\w+)\s*(?:\(([\w,\s]+)\))?\s*(SELECT .*)",
                                           text, re.DOTALL).groups()
        known = [name for name, _ in self.columns[table]]
        names = [name.strip() for name in names.split(",")] if names else known
        for row in self.query(query):
            values = dict(zip(names, row, strict=True))
            self.rows[table].append([values.get(name) for name in known])

    def change(self, text):
        """DELETE or UPDATE: what stays is asked for, and takes the rows' place."""
        table, alias, change, condition = re.fullmatch(
            r"(?:DELETE FROM|UPDATE) clickstream\.(\w+)(?: AS (\w+))?\s*(?:SET (\w+ = \w+)\s*)?WHERE (.*)", text,
            re.DOTALL).groups()
        chosen = f"COALESCE(({condition}), FALSE)"
        known = [name for name, _ in self.columns[table]]
        alias = alias or table
        source = f"FROM clickstream.{table} AS {alias}"
        if change:
            column, value = change.split(" = ")
            known = [f"CASE WHEN {chosen} THEN {value} ELSE {alias}.{name} END AS {name}" if name == column
                     else f"{alias}.{name}" for name in known]
            rows = self.query(f"SELECT {', '.join(known)} {source}")
        else:
            rows = self.query(f"SELECT {alias}.* {source} WHERE NOT {chosen}")
        self.rows[table] = [list(row) for row in rows]


def inlined(text):
    """A query with table functions and views put in where they are called."""
    files = "\n".join(read_sql().values())
    functions = dict(FUNCTION.findall(files))
    while match := CALL.search(text):
        end = closing(text, match.end())
        # An argument has the type of its parameter, NULL too.
        since, until = (f"CAST({part.strip()} AS TIMESTAMP)" for part in split(text[match.end():end]))
        body = re.sub(r"\b(since|until)\b", lambda word: {"since": since, "until": until}[word.group()],
                      functions[match.group(1)])
        text = f"{text[:match.start()]}({body}){text[end + 1:]}"
    for name, body in VIEW.findall(files):
        text = re.sub(rf"clickstream\.{name}\b", lambda _, body=body: f"({body})", text)
    return text


def closing(text, at):
    """Where the parenthesis is closed that stands before a place."""
    depth = 1
    while depth:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at - 1


def raw(cell):
    """A value of an answer as Python's."""
    which = cell.to_proto().WhichOneof("value")
    return None if which is None else getattr(cell, which)


def split(text):
    """The arguments of a call."""
    parts, depth = [""], 0
    for letter in text:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def statements(text):
    """Statements of a script; an IF is (condition, then, else)."""
    found, rest = [], text
    while rest.strip():
        match = re.match(r"\s*IF (.*?) THEN\n", rest, re.DOTALL)
        if not match:
            one, _, rest = rest.partition(";")
            found.append(one.strip())
            continue
        inside, rest = if_block(rest[match.end():])
        then, otherwise = inside
        found.append((match.group(1), statements(then), statements(otherwise)))
    return found


def if_block(text):
    """What stands between THEN and END IF: both branches, and what comes behind."""
    depth, branches, at = 1, [""], 0
    for match in re.finditer(r"\bEND IF;|\bIF\b(?=.*THEN\n)|^\s*ELSE\n", text, re.MULTILINE):
        word = match.group().strip()
        if word == "ELSE" and depth == 1:
            branches[-1] += text[at:match.start()]
            branches.append("")
            at = match.end()
        elif word == "END IF;":
            depth -= 1
            if depth == 0:
                branches[-1] += text[at:match.start()]
                return (branches + [""])[:2], text[match.end():]
        elif word == "IF":
            depth += 1
    raise ValueError("an IF without END IF")


if __name__ == "__main__":
    Warehouse()
