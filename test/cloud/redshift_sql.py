# test/cloud/redshift_sql.py - Redshift's SQL for PostgreSQL: what it lacks is refused, what only
# it has is put into other words
"""Statements are looked at token by token, so that no string or comment is mistaken for SQL.

What is refused is what the developer guide says Redshift does not have. What is not refused
may still be missing there: this is a double, not the thing.
"""

import re

TOKEN = re.compile(r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<string>'(?:[^'\\]|\\.|'')*')
  | (?P<body>\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<name>"(?:[^"]|"")*")
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
  | (?P<number>[0-9]+(?:\.[0-9]+)?)
  | (?P<sign>::|!~\*?|~\*?|<>|<=|>=|!=|\|\||.)
""", re.VERBOSE | re.DOTALL)

# Functions, by name, that only PostgreSQL has, or Redshift on its leader node alone.
NO_FUNCTIONS = {
    "ARRAY_AGG", "ARRAY_LENGTH", "ARRAY_TO_STRING", "CARDINALITY", "EVERY", "FORMAT",
    "GENERATE_SERIES", "GENERATE_SUBSCRIPTS", "JSON_AGG", "JSON_BUILD_OBJECT", "JSONB_AGG",
    "MAKE_INTERVAL", "REGEXP_MATCHES", "REGEXP_SPLIT_TO_TABLE", "STRING_AGG", "STRING_TO_ARRAY",
    "UNNEST", "WIDTH_BUCKET"}
NO_TYPES = {"BIGSERIAL", "BYTEA", "HSTORE", "JSON", "JSONB", "SERIAL", "SMALLSERIAL", "UUID", "XML"}
# Statements by their first words.
NO_STATEMENTS = (
    "CREATE INDEX", "CREATE UNIQUE INDEX", "CREATE TRIGGER", "CREATE SEQUENCE", "CREATE TYPE",
    "CREATE AGGREGATE", "CREATE EXTENSION", "CREATE DOMAIN", "CREATE RULE", "CREATE UNLOGGED",
    "CREATE VIEW IF", "SAVEPOINT", "RELEASE", "ROLLBACK TO", "DO", "LISTEN", "NOTIFY", "REINDEX")
NO_PHRASES = (
    ("ON", "CONFLICT"), ("DISTINCT", "ON"), ("INHERITS", "("), ("IS", "DISTINCT", "FROM"),
    ("IS", "NOT", "DISTINCT", "FROM"), (")", "FILTER", "("), ("ARRAY", "["), ("FROM", "(", "VALUES"),
    ("FROM", "STDIN"), ("TO", "STDOUT"), ("NULLS", "NOT", "DISTINCT"), ("WITH", "ORDINALITY"),
    ("EXCLUDE", "CURRENT"), ("AS", "MATERIALIZED"), ("AS", "NOT", "MATERIALIZED"),
    ("FOR", "UPDATE"), ("SKIP", "LOCKED"), ("BEGIN", "ATOMIC"))
NO_WORDS = {"LATERAL", "RETURNING", "TABLESAMPLE"}
ENCODINGS = {"RAW", "AZ64", "BYTEDICT", "DELTA", "DELTA32K", "LZO", "MOSTLY8", "MOSTLY16", "MOSTLY32",
             "RUNLENGTH", "TEXT255", "TEXT32K", "ZSTD", "AUTO"}
# Window functions that take no frame; all others need one with an ORDER BY.
RANKING = {"CUME_DIST", "DENSE_RANK", "LAG", "LEAD", "NTILE", "PERCENT_RANK", "RANK", "ROW_NUMBER"}
SHIM_TABLES = {"STL_LOAD_ERRORS", "SYS_LOAD_ERROR_DETAIL"}


class Refused(Exception):
    """What Redshift would not take: a SQLSTATE and a message."""

    def __init__(self, message, code="0A000"):
        super().__init__(message)
        self.code = code


class Token:
    """A piece of a statement; upper is how it compares."""

    def __init__(self, kind, text):
        self.kind = kind
        self.text = text
        self.upper = text.upper() if kind in ("word", "sign") else text

    def __repr__(self):
        return self.text


def tokenize(text):
    """All tokens of a text, spaces and comments included."""
    return [Token(match.lastgroup if match.lastgroup != "tag" else "body", match.group())
            for match in TOKEN.finditer(text)]


def significant(tokens):
    return [token for token in tokens if token.kind != "space"]


def statements(text):
    """Split a text into statements: lists of tokens, without the semicolons."""
    found = [[]]
    for token in tokenize(text):
        if token.upper == ";":
            found.append([])
        else:
            found[-1].append(token)
    return [one for one in found if significant(one)]


def closing(tokens, start):
    """Index of the parenthesis that closes the one at start."""
    depth = 0
    for index in range(start, len(tokens)):
        depth += {"(": 1, ")": -1}.get(tokens[index].upper, 0)
        if depth == 0:
            return index
    raise Refused("syntax error: a parenthesis is not closed", "42601")


def opening(tokens, end):
    """Index of the parenthesis that the one at end closes."""
    depth = 0
    for index in range(end, -1, -1):
        depth += {")": 1, "(": -1}.get(tokens[index].upper, 0)
        if depth == 0:
            return index
    raise Refused("syntax error: a parenthesis was not opened", "42601")


def split_arguments(tokens):
    """The arguments between two parentheses, as lists of tokens."""
    found, depth = [[]], 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.upper, 0)
        if token.upper == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return found


def at_depth_zero(tokens, *words):
    """Index of a run of words outside of any parentheses, or -1."""
    depth = 0
    for index, token in enumerate(tokens):
        depth += {"(": 1, ")": -1}.get(token.upper, 0)
        if depth == 0 and tuple(one.upper for one in tokens[index:index + len(words)]) == words:
            return index
    return -1


def check_window(tokens, over):
    """A window: frames by ROWS only, and one wherever an aggregate has an ORDER BY."""
    if over + 1 >= len(tokens) or tokens[over + 1].upper != "(":
        return
    inside = tokens[over + 2:closing(tokens, over + 1)]
    for word in ("RANGE", "GROUPS"):
        if at_depth_zero(inside, word) >= 0:
            raise Refused(f"window frames by {word} are not supported")
    if tokens[over - 1].upper != ")":
        return
    name = tokens[opening(tokens, over - 1) - 1].upper
    if (name not in RANKING and at_depth_zero(inside, "ORDER", "BY") >= 0
            and at_depth_zero(inside, "ROWS") < 0):
        raise Refused("Aggregate window functions with an ORDER BY clause require a frame clause",
                      "42601")


def check_call(tokens, index):
    """A function call: its name, and the arguments of LAG and LEAD."""
    name = tokens[index].upper
    if name in NO_FUNCTIONS:
        raise Refused(f"function {name.lower()} is not supported")
    if name in ("LAG", "LEAD"):
        inside = tokens[index + 2:closing(tokens, index + 1)]
        if len(split_arguments(inside)) > 2:
            raise Refused(f"{name} has no third argument")


def check_type(tokens, index):
    if tokens[index].upper in NO_TYPES and index > 0 and tokens[index - 1].kind in ("word", "name", "sign") \
            and tokens[index - 1].upper not in (".", "COMMENT"):
        raise Refused(f"type {tokens[index].text.lower()} is not supported")
    if tokens[index].upper == "VARCHAR" and [one.upper for one in tokens[index + 1:index + 2]] == ["("]:
        length = tokens[index + 2].text
        if length.isdigit() and int(length) > 65535:
            raise Refused("length for type character varying cannot exceed 65535", "22023")


def check(tokens):
    """Refuse what Redshift does not have; tokens are the significant ones of a statement."""
    words = [token.upper for token in tokens]
    head = " ".join(words[:5])
    for statement in NO_STATEMENTS:
        if head == statement or head.startswith(statement + " "):
            raise Refused(f"{statement} is not supported")
    for phrase in NO_PHRASES:
        for index in range(len(words) - len(phrase) + 1):
            if tuple(words[index:index + len(phrase)]) == phrase:
                raise Refused(f"{' '.join(phrase)} is not supported")
    for index, token in enumerate(tokens):
        if token.kind == "word":
            check_word(tokens, index)
        elif token.upper == "[":
            raise Refused("arrays are not supported")
        elif token.kind == "body":
            for body in statements(body_of(token.text)):
                check(significant(body))


def check_word(tokens, index):
    word = tokens[index].upper
    if word in NO_WORDS:
        raise Refused(f"{word} is not supported")
    if word == "OVER":
        check_window(tokens, index)
    if index + 1 < len(tokens) and tokens[index + 1].upper == "(":
        check_call(tokens, index)
    check_type(tokens, index)
    if word == "ENCODE" and tokens[index + 1].upper not in ENCODINGS:
        raise Refused(f"unknown encoding \"{tokens[index + 1].text}\"", "42601")
    if word == "TIMESTAMP" and index > 0 and tokens[index - 1].upper in ("SELECT", ",", ".", "BY"):
        if tokens[index + 1].kind != "string":
            raise Refused('syntax error at or near "timestamp": a reserved word', "42601")


def body_of(text):
    """What stands between the dollar signs."""
    return text[text.index("$", 1) + 1:text.rindex("$", 0, -1)]


def render(tokens):
    return "".join(token.text for token in tokens)


def drop_spaces(tokens):
    while tokens and tokens[0].kind == "space":
        tokens = tokens[1:]
    return tokens


def rewrite_listagg(tokens, index, result):
    """LISTAGG(x, ',') WITHIN GROUP (ORDER BY y) as string_agg(x, ',' ORDER BY y), its size checked."""
    start = next_sign(tokens, index + 1, "(")
    end = closing(tokens, start)
    arguments = split_arguments(tokens[start + 1:end])
    order, after = [], end + 1
    if [token.upper for token in significant(tokens[after:])[:2]] == ["WITHIN", "GROUP"]:
        group = next(at for at in range(after, len(tokens)) if tokens[at].upper == "(")
        after = closing(tokens, group) + 1
        order = tokens[group + 1:after - 1]
    value = render(rewrite(arguments[0])).strip()
    distinct = "DISTINCT " if value.upper().startswith("DISTINCT ") else ""
    separator = render(arguments[1]) if len(arguments) > 1 else "''"
    result.append(Token("word", f"listagg_limit(string_agg({distinct}NULLIF(CAST("
                                f"{value[len(distinct):]} AS text), ''), {separator.strip()} "
                                f"{render(rewrite(order))}))"))
    return after


def next_sign(tokens, index, sign):
    """Index of the next token, which must be this sign."""
    while tokens[index].kind == "space":
        index += 1
    if tokens[index].upper != sign:
        raise Refused(f"syntax error at or near \"{tokens[index].text}\"", "42601")
    return index


def is_call(tokens, index):
    rest = drop_spaces(tokens[index + 1:index + 3])
    return bool(rest) and rest[0].upper == "("


def quote_part(tokens, index, result):
    """DATEDIFF(day, ...) as DATEDIFF('day', ...)."""
    start = next_sign(tokens, index + 1, "(")
    part = start + 1
    while tokens[part].kind == "space":
        part += 1
    result.append(Token("word", f"{tokens[index].text}('{tokens[part].text.strip(chr(39)).lower()}'"))
    return part + 1


def rewrite(tokens):
    """The tokens of a statement for PostgreSQL."""
    result, index = [], 0
    while index < len(tokens):
        token = tokens[index]
        called = token.kind == "word" and is_call(tokens, index)
        if called and token.upper == "LISTAGG":
            index = rewrite_listagg(tokens, index, result)
            continue
        if called and token.upper in ("DATEDIFF", "DATEADD"):
            index = quote_part(tokens, index, result)
            continue
        if called and token.upper == "NVL":
            token = Token("word", "COALESCE")
        elif token.kind == "word" and token.upper in SHIM_TABLES:
            token = Token("word", f"redshift_shim.{token.text}")
        elif token.upper == "MAX" and not called and result and result[-1].upper == "(":
            token = Token("word", "65535")
        elif token.kind == "body":
            tag = token.text[:token.text.index("$", 1) + 1]
            token = Token("body", tag + render(rewrite(tokenize(body_of(token.text)))) + tag)
        result.append(token)
        index += 1
    return result


def skip_attribute(tokens, index):
    """Index after a table attribute or an ENCODE at index; index itself where there is none."""
    words = [token.upper for token in tokens]
    start = index
    if words[index] in ("COMPOUND", "INTERLEAVED"):
        index = following(tokens, index)
    if words[index] in ("ENCODE", "DISTSTYLE", "BACKUP"):
        return following(tokens, index) + 1
    if words[index] not in ("DISTKEY", "SORTKEY"):
        return start
    after = following(tokens, index)
    if after < len(tokens) and words[after] == "(":
        return closing(tokens, after) + 1
    return index + 1


def following(tokens, index):
    """Index of the next significant token."""
    index += 1
    while index < len(tokens) and tokens[index].kind == "space":
        index += 1
    return index


def strip_attributes(tokens):
    """CREATE TABLE without distribution, sort keys and encodings."""
    result, index = [], 0
    while index < len(tokens):
        after = skip_attribute(tokens, index)
        if after == index:
            result.append(tokens[index])
            after += 1
        index = after
    return result


def translate(tokens):
    """Check one statement; return it for PostgreSQL."""
    words = [token.upper for token in significant(tokens)]
    check(significant(tokens))
    if words[0] == "CREATE" and "TABLE" in words[1:4]:
        tokens = strip_attributes(tokens)
    text = render(rewrite(tokens))
    if words[0] == "TRUNCATE":
        # it commits
        text += "; COMMIT"
    return text
