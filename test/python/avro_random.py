# test/python/avro_random.py - random schemas, random values, random changes of a schema
"""Everything comes from one random.Random, so that a seed repeats it."""

import math
import string
import struct
import uuid

import avro_model as model

MAX_DEPTH = 5
NAMESPACES = ("", "a", "a.b", "org.example")
# Few short names, so that they come again in other namespaces and as names of fields.
TYPE_NAMES = ("A", "B", "Node", "date", "X_1", "_r", "value", "Item", "E")
FIELD_NAMES = ("id", "name", "type", "value", "a", "b", "Node", "fields", "_x", "namespace", "A",
               "items", "symbols", "timestamp", "null_", "x1", "default", "doc")
SYMBOLS = ("RED", "green", "_none", "A", "B1", "null", "string")
TEXTS = ("", "a", "naïve", "日本語", "\U0001f600", "line\nbreak", "quote\"", "back\\slash",
         "\x01\x1f\x7f", "{}", "\u2028", "x" * 300, "\\x00", "NaN", "12.5", "2024-01-01", "null")
LOGICALS = (
    ("int", "date"), ("int", "time-millis"), ("long", "time-micros"),
    ("long", "timestamp-millis"), ("long", "timestamp-micros"), ("long", "timestamp-nanos"),
    ("long", "local-timestamp-millis"), ("long", "local-timestamp-micros"),
    ("long", "local-timestamp-nanos"), ("string", "uuid"), ("bytes", "decimal"),
    ("string", "no-such-type"), ("long", "date"), ("int", "timestamp-millis"))
DOUBLES = (
    0.0, -0.0, 1.5, -1e300, 5e-324, 1.7976931348623157e308, 0.1, math.nan, math.inf, -math.inf)


class SchemaMaker:
    """Makes one random schema."""

    def __init__(self, random):
        self.random = random
        self.names = {}     # of all named types so far: name to kind
        self.open = []      # the records we are inside of
        self.budget = 40    # types to go

    def root(self):
        """Mostly a record; sometimes another type."""
        namespace = self.random.choice(NAMESPACES)
        if self.random.random() < 0.85:
            return self.record(0, namespace, spell=namespace)
        return self.type(1, "")

    def type(self, depth, namespace, guarded=False):
        """A type; guarded: a record that we are inside of may stand here."""
        self.budget -= 1
        kinds = [self.primitive, self.primitive, self.logical]
        if depth < MAX_DEPTH and self.budget > 0:
            kinds += [self.array, self.map, self.record, self.union, self.enum, self.fixed,
                      self.reference, self.reference]
        kind = self.random.choice(kinds)
        if kind == self.reference:
            return self.reference(depth, namespace, guarded)
        if kind in (self.primitive, self.logical):
            return kind()
        return kind(depth, namespace)

    def primitive(self):
        name = self.random.choice(model.PRIMITIVES)
        return name if self.random.random() < 0.8 else {"type": name, "note": [1, {"x": None}]}

    def logical(self):
        base, logical = self.random.choice(LOGICALS)
        schema = {"type": base, "logicalType": logical}
        if logical == "decimal":
            schema["precision"] = self.random.randint(1, 40)
            schema["scale"] = self.random.randint(0, schema["precision"])
            if schema["scale"] == 0 and self.random.random() < 0.5:
                del schema["scale"]
        return schema

    def array(self, depth, namespace):
        return {"type": "array", "items": self.type(depth + 1, namespace, True)}

    def map(self, depth, namespace):
        return {"type": "map", "values": self.type(depth + 1, namespace, True)}

    def union(self, depth, namespace):
        """Distinct branches, none a union; null somewhere, mostly."""
        branches, seen = [], set()
        if self.random.random() < 0.7:
            branches, seen = ["null"], {"null"}
        for _ in range(self.random.randint(1, 4)):
            known = dict(self.names)
            one = self.type(depth + 1, namespace, bool(seen))
            kind = self.kind_of(one, namespace)
            if kind != "union" and kind not in seen:
                branches.append(one)
                seen.add(kind)
            else:
                self.names = known      # what it defined is gone
        if "null" in branches:
            branches.remove("null")
            branches.insert(self.random.randint(0, len(branches)), "null")
        return branches or ["null"]

    def kind_of(self, schema, namespace):
        """What has to differ between the branches of a union."""
        if isinstance(schema, list):
            return "union"
        if isinstance(schema, str):
            return schema if schema in model.PRIMITIVES else model.full_name(schema, namespace)
        if "name" in schema:
            return model.full_name(schema["name"], schema.get("namespace", namespace))
        return schema["type"]

    def new_name(self, namespace, kind):
        """A name that is not taken: its full form, or None."""
        if self.random.random() < 0.3 and namespace:
            namespace = self.random.choice(NAMESPACES[1:])
        for _ in range(4):
            name = model.full_name(self.random.choice(TYPE_NAMES), namespace)
            if name not in self.names:
                self.names[name] = kind
                return name
        return None

    def spelling(self, name, namespace):
        """One of the ways to give a new type its name."""
        own = model.namespace_of(name)
        ways = [{"name": model.short_name(name), "namespace": own}]
        if own == namespace:
            ways.append({"name": model.short_name(name)})
        if own:
            ways += [{"name": name}, {"name": name, "namespace": "is.ignored"}]
        head = self.random.choice(ways)
        if self.random.random() < 0.3:
            head["aliases"] = self.random.choice([["Old"], ["x.Older", "Old"]])
        if self.random.random() < 0.3:
            head["doc"] = "about \"it\""
        return head

    def named(self, kind, namespace, spell=None):
        """The start of a named type, and its namespace; None where names ran out."""
        name = self.new_name(namespace, kind)
        if name is None:
            return None, None
        head = {"type": kind, **self.spelling(name, namespace if spell is None else "")}
        return head, name

    def record(self, depth, namespace, spell=None):
        head, name = self.named("record", namespace, spell)
        if head is None:
            return self.primitive()
        inner = model.namespace_of(name)
        self.open.append(name)
        names = self.random.sample(FIELD_NAMES, self.random.choice([0, 1, 1, 2, 3, 4, 6, 8]))
        if not names and depth == 0:
            names = ["id"]
        head["fields"] = [self.field(field, depth, inner) for field in names]
        self.open.pop()
        return head

    def field(self, name, depth, namespace):
        field = {"name": name, "type": self.type(depth + 1, namespace)}
        if self.random.random() < 0.2:
            field["aliases"] = [f"{name}_old"]
        if self.random.random() < 0.2:
            field["order"] = self.random.choice(["ascending", "descending", "ignore"])
        kind = field["type"]
        if isinstance(kind, str) and kind in DEFAULTS and self.random.random() < 0.5:
            field["default"] = self.random.choice(DEFAULTS[kind])
        return field

    def enum(self, _depth, namespace):
        head, _ = self.named("enum", namespace)
        if head is None:
            return self.primitive()
        head["symbols"] = self.random.sample(SYMBOLS, self.random.randint(1, len(SYMBOLS)))
        if self.random.random() < 0.5:
            head["default"] = self.random.choice(head["symbols"])
        return head

    def fixed(self, _depth, namespace):
        head, _ = self.named("fixed", namespace)
        if head is None:
            return self.primitive()
        head["size"] = self.random.choice([1, 2, 8, 12, 16, 40])
        if head["size"] == 12 and self.random.random() < 0.7:
            head["logicalType"] = "duration"
        elif head["size"] == 16 and self.random.random() < 0.5:
            head["logicalType"] = "uuid"
        elif self.random.random() < 0.5:
            most = model.decimal_digits(head["size"])
            precision = self.random.randint(1, most)
            head.update({"logicalType": "decimal", "precision": precision,
                         "scale": self.random.randint(0, precision)})
        return head

    def reference(self, _depth, namespace, guarded):
        """A name that is known; of a record that contains us only where that can end."""
        known = [name for name in self.names
                 if (guarded or name not in self.open)
                 and (model.namespace_of(name) or not namespace)]
        if not known:
            return self.primitive()
        name = self.random.choice(known)
        if model.namespace_of(name) == namespace and self.random.random() < 0.5:
            return model.short_name(name)
        return name


DEFAULTS = {
    "null": [None], "boolean": [True, False], "int": [0, -1, 2147483647],
    "long": [0, 2 ** 40, -2 ** 62], "float": [0.5, -1, 0], "double": [1e100, 3, -0.25],
    "bytes": ["", "\u0000\u00ff", "ab"], "string": ["", "x", "é\"\\"]}


def random_schema(random):
    """The JSON of a schema."""
    return SchemaMaker(random).root()


# ---- Values


class ValueMaker:
    """
    Makes random values of a type. Clear values are such that text says what it is: in a
    union strings begin with a tilde, and of two branches for decimals one is used.
    """

    def __init__(self, random, clear=False):
        self.random = random
        self.clear = clear

    def value(self, node, depth=0):
        if node.type == "union":
            return self.union(node, depth)
        if node.type in ("array", "map"):
            return self.collection(node, depth)
        if node.type == "record":
            return {field.name: self.value(field.node, depth + 1) for field in node.fields}
        if node.logical is not None:
            return self.logical(node)
        return getattr(self, f"make_{node.type}")(node)

    def union(self, node, depth):
        """Deep inside, a branch that has no further values in it."""
        indexes = list(range(len(node.branches)))
        if depth > 6:
            flat = [i for i in indexes if node.branches[i].type not in ("record", "array", "map")]
            indexes = flat or [i for i in indexes if node.branches[i].type != "record"] or indexes
        if self.clear:
            decimals = [i for i in indexes if node.branches[i].logical == "decimal"]
            indexes = [i for i in indexes if i not in decimals[1:]]
        index = self.random.choice(indexes)
        value = self.value(node.branches[index], depth + 1)
        if self.clear and node.branches[index].type == "string" and \
                node.branches[index].logical is None:
            value = "~" + value
        return model.Branch(index, value)

    def collection(self, node, depth):
        count = 0 if depth > 6 else self.random.choice([0, 0, 1, 1, 2, 3, 5])
        if depth < 2 and self.random.random() < 0.05:
            count = 40
        values = [self.value(node.items, depth + 1) for _ in range(count)]
        if node.type == "array":
            return values
        return {self.make_string(None) + str(i): value for i, value in enumerate(values)}

    def make_null(self, _node):
        return None

    def make_boolean(self, _node):
        return self.random.random() < 0.5

    def whole(self, bits):
        """Of any magnitude, the ends included."""
        if self.random.random() < 0.1:
            return self.random.choice([0, -1, 2 ** (bits - 1) - 1, -2 ** (bits - 1)])
        size = self.random.randrange(2 ** self.random.randint(1, bits - 1))
        return size * self.random.choice([1, -1])

    def make_int(self, _node):
        return self.whole(32)

    def make_long(self, _node):
        return self.whole(64)

    def make_float(self, _node):
        if self.random.random() < 0.2:
            return self.random.choice([0.0, -0.0, 1.5, math.nan, math.inf, -math.inf])
        return struct.unpack("<f", struct.pack("<f", self.random.uniform(-1e6, 1e6)))[0]

    def make_double(self, _node):
        if self.random.random() < 0.3:
            return self.random.choice(DOUBLES)
        return self.random.gauss(0, 10.0 ** self.random.randint(-20, 20))

    def make_bytes(self, _node):
        return self.random.randbytes(self.random.choice([0, 1, 3, 20, 300]))

    def make_fixed(self, node):
        return self.random.randbytes(node.size)

    def make_string(self, _node):
        if self.random.random() < 0.5:
            return self.random.choice(TEXTS)
        return "".join(self.random.choices(string.printable, k=self.random.randint(0, 30)))

    def make_enum(self, node):
        return self.random.choice(node.symbols)

    def logical(self, node):
        """Within what the program can hold."""
        kind = node.logical
        if kind == "date":
            return self.random.choice([0, -1, self.random.randint(-700000, 2900000),
                                       self.random.randint(-2440588, 2145042905)])
        if kind.startswith("time-"):
            day = 86400 * 10 ** model.UNIT_DIGITS[kind[5:]]
            return self.random.choice([0, day - 1, self.random.randrange(day)])
        if "timestamp-" in kind:
            digits = model.UNIT_DIGITS[kind.rpartition("-")[2]]
            near = self.random.randint(-2 ** 31, 2 ** 32) * 10 ** digits
            most = min(2 ** 63 - 1, 9224318015999 * 10 ** digits)
            least = max(-2 ** 63, -210866803200 * 10 ** digits)
            return self.random.choice([0, -1, near, near + self.random.randrange(10 ** digits),
                                       self.random.randint(least, min(most, 2 ** 63 - 1))])
        if kind == "uuid":
            one = uuid.UUID(bytes=self.random.randbytes(16))
            return one.bytes if node.type == "fixed" else str(one)
        if kind == "decimal":
            return self.decimal(node)
        return struct.pack("<III", *(self.random.choice([0, 1, 999, 2 ** 31, 2 ** 32 - 1])
                                     for _ in range(3)))

    def decimal(self, node):
        digits = self.random.randint(0, node.precision)
        unscaled = self.random.randrange(10 ** digits) * self.random.choice([1, -1])
        size = node.size or unscaled.bit_length() // 8 + 1
        return unscaled.to_bytes(size, "big", signed=True)


def random_records(random, node, count, clear=False):
    """Records of a schema."""
    maker = ValueMaker(random, clear)
    return [maker.value(node) for _ in range(count)]
