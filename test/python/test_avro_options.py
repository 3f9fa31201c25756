# test/python/test_avro_options.py - the options of Avro tables are those that are documented
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def options_of(text, catalog):
    """The names that the table of options in C has for a catalog."""
    return set(re.findall(r'\{"(\w+)", ' + catalog + r'RelationId, \w+\},', text))


def section(text, title):
    """A chapter of the documentation."""
    return re.search(rf"^## {title}\n(.*?)(?=^## )", text, re.M | re.S).group(1)


def test_each_option_is_documented():
    source = (ROOT / "extension" / "avro_option.c").read_text()
    chapter = section((ROOT / "docs" / "avro.md").read_text(), "Options")
    documented = set(re.findall(r"^\| `(\w+)` \|", chapter, re.M))

    assert documented == options_of(source, "ForeignTable")
    for name in options_of(source, "Attribute"):
        assert f"Of a column: `{name}`" in chapter
