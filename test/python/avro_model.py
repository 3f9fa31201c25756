# test/python/avro_model.py - what the Avro specification says, small and slow
"""A second reading of the specification, to compare the program and its peers with.

A Node is a type of a parsed schema. A value is kept as the schema's base types have
it: an int for a date, bytes for a decimal; a union's value is a Branch, which remembers
the number of the branch. From that follow the form that fastavro takes (datum), the
form that the program prints (plain), Avro's own JSON encoding (avro_json), the value
after resolution by another schema (resolve).
"""

import dataclasses
import struct
import uuid as uuid_module

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
UNIX_DAYS_OF_YEAR_0 = -719528  # 0000-01-01

LOGICAL_BASES = {
    "date": ("int",), "time-millis": ("int",), "time-micros": ("long",),
    "timestamp-millis": ("long",), "timestamp-micros": ("long",), "timestamp-nanos": ("long",),
    "local-timestamp-millis": ("long",), "local-timestamp-micros": ("long",),
    "local-timestamp-nanos": ("long",), "decimal": ("bytes", "fixed"),
    "uuid": ("string", "fixed"), "duration": ("fixed",)}
UNIT_DIGITS = {"millis": 3, "micros": 6, "nanos": 9}


class ResolutionError(Exception):
    """The writer's schema, or this value, does not resolve to the reader's."""


@dataclasses.dataclass(eq=False)
class Field:
    """A field of a record; default is MISSING where it has none."""
    name: str
    node: "Node"
    default: object
    aliases: list


@dataclasses.dataclass(eq=False)
class Node:
    """A type. Only the members of its kind are set."""
    type: str
    logical: str = None
    precision: int = 0
    scale: int = 0
    name: str = None
    aliases: list = dataclasses.field(default_factory=list)
    size: int = 0
    symbols: list = None
    default: str = None
    fields: list = None
    items: "Node" = None
    branches: list = None


@dataclasses.dataclass(frozen=True)
class Branch:
    """A union's value: the number of the branch, and the value in it."""
    index: int
    value: object


@dataclasses.dataclass(frozen=True)
class Raw:
    """A value that is printed as it is."""
    json: object


class Float32(float):
    """A float of 32 bits: equal to what rounds to it."""

    def __eq__(self, other):
        return isinstance(other, (int, float)) and as_float32(self) == as_float32(other)

    def __ne__(self, other):
        return not self == other

    __hash__ = float.__hash__


class MISSING:
    """In place of a default that there is not; None is one. A class is never copied."""


def as_float32(number):
    """The nearest float of 32 bits, as a float of 64."""
    return struct.unpack("<f", struct.pack("<f", float(number)))[0]


def full_name(name, namespace):
    return name if "." in name or not namespace else f"{namespace}.{name}"


def namespace_of(name):
    return name.rpartition(".")[0]


def short_name(name):
    return name.rpartition(".")[2]


# ---- Schemas


def parse(schema, namespace="", names=None):
    """Turn a schema's JSON into Nodes."""
    names = {} if names is None else names
    if isinstance(schema, str):
        return Node(schema) if schema in PRIMITIVES else names[full_name(schema, namespace)]
    if isinstance(schema, list):
        return Node("union", branches=[parse(one, namespace, names) for one in schema])
    kind = schema["type"]
    if isinstance(kind, (dict, list)):
        return parse(kind, namespace, names)
    if kind in ("record", "error", "enum", "fixed"):
        return parse_named(schema, namespace, names)
    if kind == "array":
        return Node("array", items=parse(schema["items"], namespace, names))
    if kind == "map":
        return Node("map", items=parse(schema["values"], namespace, names))
    return with_logical(parse(kind, namespace, names), schema)


def parse_named(schema, namespace, names):
    """A record, an enum or a fixed."""
    if "." not in schema["name"]:
        namespace = schema.get("namespace", namespace)
    name = full_name(schema["name"], namespace)
    namespace = namespace_of(name)
    node = names[name] = Node(
        {"error": "record"}.get(schema["type"], schema["type"]), name=name,
        aliases=[full_name(alias, namespace) for alias in schema.get("aliases", [])],
        size=schema.get("size", 0), symbols=schema.get("symbols"), default=schema.get("default"))
    if node.type == "record":
        node.fields = [
            Field(field["name"], parse(field["type"], namespace, names),
                  field.get("default", MISSING), field.get("aliases", []))
            for field in schema["fields"]]
    return with_logical(node, schema)


def with_logical(node, schema):
    """Set the logical type; one that does not fit the type is none."""
    logical = schema.get("logicalType")
    if not isinstance(logical, str) or node.type not in LOGICAL_BASES.get(logical, ()):
        return node
    if logical == "decimal":
        node.precision, node.scale = schema.get("precision", 0), schema.get("scale", 0)
        most = decimal_digits(node.size) if node.type == "fixed" else node.precision
        if not 0 <= node.scale <= node.precision or not 0 < node.precision <= most:
            return node
    if (node.type, logical) not in {("fixed", "uuid"), ("fixed", "duration")} or \
            node.size == {"uuid": 16, "duration": 12}[logical]:
        node.logical = logical
    return node


def decimal_digits(size):
    """The decimal digits that a two's complement number of this many bytes surely holds."""
    return len(str(2 ** (8 * size - 1) - 1)) - 1 if size else 0


# ---- Forms of a value


def branch_name(node):
    return node.name or node.type


def rebuild(node, value, scalar, union):
    """
    The value in another form: scalar(node, value) makes that of what holds no further
    values, union(node, value, inner) that of a union, by inner(node, value).
    """
    def inner(node, value):
        if isinstance(value, Raw):
            return value.json
        if node.type == "union":
            return union(node, value, inner)
        if node.type == "array":
            return [inner(node.items, one) for one in value]
        if node.type == "map":
            return {key: inner(node.items, one) for key, one in value.items()}
        if node.type == "record":
            return {field.name: inner(field.node, value[field.name]) for field in node.fields}
        return scalar(node, value)

    return inner(node, value)


def datum(node, value):
    """The value as fastavro's writer takes it, logical types as their base."""
    def union(node, value, inner):
        branch = node.branches[value.index]
        return branch_name(branch), inner(branch, value.value)

    return rebuild(node, value, lambda _, value: value, union)


def plain(node, value):
    """The value as the program prints it."""
    return rebuild(
        node, value,
        lambda node, value: plain_scalar(node.type, node.logical, node.scale, value),
        lambda node, value, inner: inner(node.branches[value.index], value.value))


def plain_scalar(kind, logical, scale, value):
    """One number or text."""
    if logical is not None:
        return plain_logical(logical, scale, value)
    if kind in ("bytes", "fixed"):
        return "\\x" + value.hex()
    if kind in ("float", "double"):
        if value != value:
            return "NaN"
        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return Float32(value) if kind == "float" else value
    return value


def plain_logical(logical, scale, value):
    """Text for what has a logical type."""
    if logical == "date":
        return date_text(value)
    if logical.startswith("time-"):
        return time_text(value, UNIT_DIGITS[logical.rpartition("-")[2]])
    if "timestamp-" in logical:
        digits = UNIT_DIGITS[logical.rpartition("-")[2]]
        days, rest = divmod(value, 86400 * 10 ** digits)
        zone = "" if logical.startswith("local-") else "Z"
        return f"{date_text(days)}T{time_text(rest, digits)}{zone}"
    if logical == "decimal":
        return decimal_text(int.from_bytes(value, "big", signed=True), scale)
    if logical == "uuid":
        return str(uuid_module.UUID(bytes=value) if isinstance(value, bytes)
                   else uuid_module.UUID(value))
    return duration_text(*struct.unpack("<III", value))


def date_text(days):
    """Days from 1970 as a date; years outside 0 to 9999 have a sign."""
    # Howard Hinnant's algorithm, in eras of 400 years from March on.
    era, day = divmod(days - UNIX_DAYS_OF_YEAR_0 - 60, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5 - 1
    year += era * 400 + (month > 9)
    month = month + 3 if month < 10 else month - 9
    text = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+05d}"
    return f"{text}-{month:02d}-{day:02d}"


def time_text(units, digits):
    """Units of 10^-digits seconds as hh:mm:ss, with a fraction of 6 or 9 digits if not zero."""
    seconds, rest = divmod(units, 10 ** digits)
    nanos = rest * 10 ** (9 - digits)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    if nanos % 1000:
        return f"{text}.{nanos:09d}"
    return f"{text}.{nanos // 1000:06d}" if nanos else text


def decimal_text(unscaled, scale):
    digits = str(abs(unscaled)).rjust(scale + 1, "0")
    sign = "-" if unscaled < 0 else ""
    return sign + (f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits)


def duration_text(months, days, millis):
    """ISO 8601, always with months, days and seconds."""
    seconds, rest = divmod(millis, 1000)
    return f"P{months}M{days}DT{seconds}" + (f".{rest:03d}" if rest else "") + "S"


def avro_json(node, value):
    """The value in Avro's JSON encoding, as avro-tools reads it."""
    def union(node, value, inner):
        branch = node.branches[value.index]
        json = inner(branch, value.value)
        return None if branch.type == "null" else {branch_name(branch): json}

    def scalar(node, value):
        return value.decode("latin-1") if node.type in ("bytes", "fixed") else value

    return rebuild(node, value, scalar, union)


def from_avro_json(node, json):
    """Read Avro's JSON encoding, as avro-tools prints it."""
    def union(node, json, inner):
        name = "null" if json is None else next(iter(json))
        index = [branch_name(branch) for branch in node.branches].index(name)
        return Branch(index, inner(node.branches[index], None if json is None else json[name]))

    def scalar(node, json):
        if node.type in ("bytes", "fixed"):
            return json.encode("latin-1")
        return float(json) if node.type in ("float", "double") else json

    return rebuild(node, json, scalar, union)


def from_default(node, json):
    """A field's default as a value; that of a union is one of its first branch, or null."""
    if node.type == "union":
        kinds = [branch.type for branch in node.branches]
        index = kinds.index("null") if json is None else 0
        return Branch(index, from_default(node.branches[index], json))
    if node.type == "array":
        return [from_default(node.items, one) for one in json]
    if node.type == "map":
        return {key: from_default(node.items, one) for key, one in json.items()}
    if node.type == "record":
        return {field.name: from_default(
            field.node, json.get(field.name, field.default)) for field in node.fields}
    return from_avro_json(node, json)


def render(node, seen=None):
    """The JSON of a type, with full names; what was defined before is named only."""
    seen = set() if seen is None else seen
    if node.type == "union":
        return [render(branch, seen) for branch in node.branches]
    if node.name in seen:
        return node.name
    schema = {"type": node.type}
    if node.name is not None:
        seen.add(node.name)
        schema["name"] = node.name
        if "." not in node.name:
            schema["namespace"] = ""
        if node.aliases:
            schema["aliases"] = node.aliases
    if node.type == "array":
        schema["items"] = render(node.items, seen)
    elif node.type == "map":
        schema["values"] = render(node.items, seen)
    elif node.type == "fixed":
        schema["size"] = node.size
    elif node.type == "enum":
        schema["symbols"] = node.symbols
        if node.default is not None:
            schema["default"] = node.default
    elif node.type == "record":
        schema["fields"] = [render_field(field, seen) for field in node.fields]
    if node.logical is not None:
        schema["logicalType"] = node.logical
        if node.logical == "decimal":
            schema.update(precision=node.precision, scale=node.scale)
    # by name alone: fastavro wants a fraction in the default of {"type": "float"}
    return schema if len(schema) > 1 else node.type


def render_field(field, seen):
    schema = {"name": field.name, "type": render(field.node, seen)}
    if field.default is not MISSING:
        schema["default"] = field.default
    if field.aliases:
        schema["aliases"] = field.aliases
    return schema


# ---- Resolution


class Resolver:
    """
    What a reader with its own schema sees of a value that was written by another.

    With quirks, what fastavro sees where it differs from the specification:
    - A default is handed out as the schema's JSON has it: bytes as text, a union's as
      the bare value, of a record only the members given.
    - A union's branch of the same unqualified name is taken, though a later one has the
      same full name; a branch to promote to, though a later one has the same type.
    - What has a logical type is never promoted, and what is promoted gets none.
    """

    def __init__(self, quirks=False):
        self.quirks = quirks

    def resolve(self, writer, reader, value):
        if writer.type == "union":
            return self.resolve(writer.branches[value.index], reader, value.value)
        if reader.type == "union":
            index = self.matching_branch(writer, reader)
            return Branch(index, self.resolve(writer, reader.branches[index], value))
        if not matches(writer, reader):
            raise ResolutionError(f"{writer.type} is not {reader.type}")
        if writer.type == "record":
            return self.resolve_record(writer, reader, value)
        if writer.type == "array":
            return [self.resolve(writer.items, reader.items, one) for one in value]
        if writer.type == "map":
            return {key: self.resolve(writer.items, reader.items, one)
                    for key, one in value.items()}
        if writer.type == "enum":
            return resolve_symbol(reader, value)
        promoted = promote(writer.type, reader.type, value)
        if self.quirks and writer.type != reader.type:
            return Raw(plain(writer, value) if writer.logical is not None
                       else plain_scalar(reader.type, None, 0, promoted))
        return promoted

    def matching_branch(self, writer, reader):
        """The first branch of the same type and full name, else the first that matches."""
        matching = [index for index, branch in enumerate(reader.branches)
                    if matches(writer, branch)]
        same = [index for index in matching
                if (reader.branches[index].type, reader.branches[index].name)
                == (writer.type, writer.name)]
        if not matching:
            raise ResolutionError(f"{writer.type} is no branch")
        return (matching if self.quirks else same + matching)[0]

    def resolve_record(self, writer, reader, value):
        """Fields by name, then by alias; the reader's others by their defaults."""
        result = {}
        written = {field.name: field for field in writer.fields}
        for field in reader.fields:
            source = next((written[name] for name in [field.name, *field.aliases]
                           if name in written), None)
            if source is not None:
                result[field.name] = self.resolve(source.node, field.node, value[source.name])
            elif field.default is MISSING:
                raise ResolutionError(f"no default for {field.name}")
            elif self.quirks:
                result[field.name] = Raw(field.default)
            else:
                result[field.name] = from_default(field.node, field.default)
        return result


def matches(writer, reader):
    """Whether the types can be resolved, without a look at what is inside records."""
    if "union" in (writer.type, reader.type):
        return True
    if writer.type in ("array", "map") and writer.type == reader.type:
        return matches(writer.items, reader.items)
    if writer.name is not None and writer.type == reader.type:
        return writer.size == reader.size and (
            short_name(writer.name) == short_name(reader.name) or writer.name in reader.aliases)
    return writer.type == reader.type or reader.type in PROMOTIONS.get(writer.type, ())


PROMOTIONS = {
    "int": ("long", "float", "double"), "long": ("float", "double"), "float": ("double",),
    "string": ("bytes",), "bytes": ("string",)}


def resolve_symbol(reader, symbol):
    if symbol in reader.symbols:
        return symbol
    if reader.default is None:
        raise ResolutionError(f"no symbol {symbol}")
    return reader.default


def promote(writer, reader, value):
    """int to long to float to double, string to bytes and back."""
    if reader == "float" and writer != "float":
        return struct.unpack("<f", struct.pack("<f", value))[0]
    if reader == "double" and writer != "double":
        return float(value)
    if (writer, reader) == ("string", "bytes"):
        return value.encode()
    if (writer, reader) == ("bytes", "string"):
        return value.decode()
    return value
