# test/python/avro_evolve.py - random changes of a schema that its readers survive
"""A later version of a schema: fields added with a default, dropped, in another order,
renamed with an alias; numbers widened, string and bytes exchanged, symbols removed from an
enum with a default, unions widened and shuffled, types renamed with an alias.
"""

import copy
import random as random_module

import avro_model as model
from avro_model import Field, Node

NEW_FIELDS = (
    ("null", None), ("boolean", True), ("int", -7), ("long", 2 ** 40), ("float", 0.25),
    ("double", -1e100), ("string", "é\"x"), ("bytes", "\u00ff\u0000a"))


class Evolver:
    """Changes a graph of Nodes in place, each Node once."""

    def __init__(self, random):
        self.random = random
        self.seen = set()
        self.renamed = 0

    def chance(self, probability):
        return self.random.random() < probability

    def type(self, node):
        """What stands where this type stood; named types stay the same Node."""
        if id(node) in self.seen:
            return node
        self.seen.add(id(node))
        if node.type == "record":
            self.record(node)
        elif node.type in ("array", "map"):
            node.items = self.type(node.items)
        elif node.type == "union":
            return self.union(node)
        elif node.type == "enum":
            self.enum(node)
        elif node.logical is None and self.chance(0.3):
            node = self.promoted(node)
        if node.type != "null" and self.chance(0.1):
            return Node("union", branches=self.shuffled([Node("null"), node]))
        return node

    def shuffled(self, items):
        return self.random.sample(items, len(items))

    def promoted(self, node):
        wider = model.PROMOTIONS.get(node.type)
        if wider is None or node.type == "bytes":   # bytes need not be UTF-8
            return node
        return Node(self.random.choice(wider))

    def rename(self, node):
        self.renamed += 1
        node.aliases = [*node.aliases, node.name]
        node.name = model.full_name(f"New{self.renamed}", model.namespace_of(node.name))

    def record(self, node):
        for field in node.fields:
            field.node = self.type(field.node)
            field.default = model.MISSING       # may not fit the type any more
            if self.chance(0.15):
                field.aliases = [*field.aliases, field.name]
                field.name += "_new"
        kept = [field for field in node.fields if not self.chance(0.1)]
        node.fields = kept or node.fields
        while self.chance(0.3):
            node.fields.append(self.new_field(f"added{len(node.fields)}"))
        if self.chance(0.3):
            node.fields = self.shuffled(node.fields)
        if self.chance(0.1):
            self.rename(node)

    def new_field(self, name):
        """Mostly of a plain type; sometimes of one that holds others."""
        kind, default = self.random.choice(NEW_FIELDS)
        node = Node(kind)
        if self.chance(0.2):
            node, default = Node("array", items=node), [default] * self.random.randint(0, 2)
        elif self.chance(0.2):
            node, default = Node("map", items=node), {"k": default}
        elif self.chance(0.2) and kind != "null":
            node = Node("union", branches=[node, Node("null")])
        return Field(name, node, default, [])

    def enum(self, node):
        if self.chance(0.4):
            kept = self.shuffled(node.symbols)[:self.random.randint(1, len(node.symbols))]
            node.default = self.random.choice(kept)
            node.symbols = kept + ["ADDED"]

    def union(self, node):
        """Branches stay as they are, but for records; new ones come, the order changes."""
        for branch in node.branches:
            if branch.type in ("record", "enum"):
                self.type(branch)
        kinds = {branch.type for branch in node.branches}
        if "bytes" in kinds:
            kinds.add("string")     # fastavro may take it for bytes that are no UTF-8
        more = [Node(kind) for kind in model.PRIMITIVES if kind not in kinds and self.chance(0.15)]
        node.branches = self.shuffled(node.branches + more)
        return node


def evolved(random, schema):
    """The JSON of a later version of a schema."""
    node = copy.deepcopy(model.parse(schema))
    return model.render(Evolver(random).type(node))


def random_pair(seed, make_schema):
    """A schema and a later version of it."""
    random = random_module.Random(seed)
    schema = make_schema(random)
    return random, schema, evolved(random, schema)
