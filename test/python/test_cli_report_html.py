# test/python/test_cli_report_html.py - report --format html: well-formed, labelled, its numbers
# those of the CSV, hostile text without effect, and what a browser makes of it

import collections
import csv
import datetime
import io
import json
import re
import shutil
import struct
import subprocess
import sys
import types
import xml.etree.ElementTree as ElementTree

import html5lib
import pytest
from conftest import PROGRAM, ROOT

sys.path.insert(0, str(ROOT / "test" / "python"))
import oracle  # noqa: E402

DATA = ROOT / "data"
DEMO = ["--mapping", DATA / "campaign_reward_mapping.csv", DATA / "http_log.txt"]
CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed (113 MB to fetch beside its libraries)")
HOSTILE = [
    "<script>document.title='harm'</script>", "\"onmouseover=\"document.title='harm'", "'><img/src=x/onerror=harm()>",
    "</title></style></svg></table>", "<!--", "]]>", "&lt;b&gt;&amp;amp;", "{{style}}", "%s%n%d",
    "javascript:harm()", "\u202egnp.txt", "\u2028\u00a0\u0085", "\ufffe\ufdd0", "\U0001f600\u200d\U0001f525",
    "\u0645\u0631\u062d\u0628\u0627", "x" * 3000, "\u00e9" * 2000, "a\u0301" * 500]


def page_of(here, *arguments):
    return here.run_ok("report", "--format", "html", *arguments).out


def parse(page):
    """The tree of a page; any parse error, as the HTML standard has them, fails."""
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)


def text_of(element):
    return "".join(element.itertext()).strip()


def by_id(tree, name):
    found = [element for element in tree.iter() if element.get("id") == name]
    assert len(found) == 1, name
    return found[0]


def number(text):
    return int(text.replace(",", ""))


def total(tree, name):
    return number(text_of(by_id(tree, name)))


def table(tree, name):
    """The rows of a table as lists of text."""
    return [[text_of(cell) for cell in row]
            for row in by_id(tree, name).find("tbody").findall("tr")]


def counts(tree, name):
    return {row[0]: (number(row[1]), number(row[2])) for row in table(tree, name)}


def report_rows(here, *arguments):
    return list(csv.DictReader(io.StringIO(
        here.run_ok("report", "--format", "csv", *arguments).out)))


def is_driven(row):
    return row["reward_driven_by_campaign_view"] == "t"


def count_rows(rows, key):
    """Sessions and driven ones by a key of theirs."""
    found = collections.defaultdict(lambda: [0, 0])
    for row in rows:
        found[key(row)][0] += 1
        found[key(row)][1] += is_driven(row)
    return {name: tuple(pair) for name, pair in found.items()}


def drop_zeros(table_counts):
    return {name: pair for name, pair in table_counts.items() if pair[0] > 0}


def check_totals(tree, rows):
    viewed = [row for row in rows if row["campaigns"] != "{}"]
    both = [row for row in viewed if row["rewards_issued"] != "{}"]
    driven = sum(map(is_driven, rows))
    assert total(tree, "sessions") == len(rows)
    assert total(tree, "users") == len({row["user_id"] for row in rows})
    assert total(tree, "both") == len(both)
    assert total(tree, "driven") == driven
    share = f"{100 * driven / len(viewed):.1f}\u00a0%" if viewed else "\u2013"
    assert text_of(by_id(tree, "conversion")) == share
    steps = [number(text_of(step.find("p").findall("span")[1])) for step in by_id(tree, "funnel")]
    assert steps == [len(viewed), len(both), driven]
    issued = sum(row["rewards_issued"] != "{}" for row in rows)
    assert total(tree, "unviewed") == issued - len(both)


def check_hours(tree, rows):
    hours = counts(tree, "hours-table")
    assert list(hours) == [f"{hour:02}:00" for hour in range(24)]
    assert drop_zeros(hours) == count_rows(rows, lambda row: row["session_start"][11:13] + ":00")


def check_users(tree, rows):
    found = collections.Counter(row["user_id"] for row in rows)
    best = sorted(found, key=lambda user: (-found[user], user.encode()))[:10]
    driven = collections.Counter(row["user_id"] for row in rows if is_driven(row))
    assert [row[0] for row in table(tree, "people")] == best
    assert counts(tree, "people") == {user: (found[user], driven[user]) for user in best}


def expected_pairs(log, mapping):
    """In how many sessions each pair was driven, by the rules alone."""
    rules = types.SimpleNamespace(gap=oracle.DEFAULT_GAP)
    found = collections.Counter()
    for row in oracle.user_table(oracle.read_events(str(log)), oracle.read_mapping(mapping), rules,
                                 oracle.user_conversions):
        _user, _start, campaign, _viewed, reward, _issued = row
        found[int(campaign), int(reward)] += 1
    return found


def check_campaigns(tree, pairs):
    """The ten best campaigns, and the five best rewards of each."""
    sums = collections.Counter()
    for (campaign, _reward), sessions in pairs.items():
        sums[campaign] += sessions
    best = sorted(sums, key=lambda campaign: (-sums[campaign], campaign))[:10]
    expected = []
    for campaign in best:
        rewards = sorted(((-sessions, reward) for (mine, reward), sessions in pairs.items()
                          if mine == campaign))
        expected += [[f"Campaign {campaign}", str(reward), f"{-sessions:,}"]
                     for sessions, reward in rewards[:5]]
        if rewards[5:]:
            expected.append([f"Campaign {campaign}", "others",
                             f"{-sum(sessions for sessions, _ in rewards[5:]):,}"])
    assert table(tree, "campaigns-table") == expected
    shown = [[text_of(span) for span in item.find("p")] for item in by_id(tree, "campaigns")]
    assert shown == [[f"Campaign {campaign}", f"{sums[campaign]:,}"] for campaign in best]


def check_form(tree):
    """What a screen reader and a keyboard need."""
    html = tree if tree.tag == "html" else tree.find("html")
    assert html.get("lang") == "en"
    assert text_of(tree.find(".//title"))
    headings = [element.tag for element in tree.iter() if re.fullmatch("h[1-6]", element.tag or "")]
    assert headings[0] == "h1" and headings.count("h1") == 1 and set(headings[1:]) == {"h2"}
    ids = [element.get("id") for element in tree.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for section in tree.iter("section"):
        assert text_of(by_id(tree, section.get("aria-labelledby")))
    for svg in tree.iter("svg"):
        if svg.get("aria-hidden") == "true":
            continue
        assert svg.get("role") == "img"
        assert [by_id(tree, name).tag for name in svg.get("aria-labelledby").split()] == ["title", "desc"]
    for one in tree.iter("table"):
        assert all(cell.get("scope") == "col" for cell in one.find("thead").iter("th"))
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in one.find("tbody"))
    for region in (element for element in tree.iter() if element.get("tabindex")):
        assert region.get("role") == "region" and region.get("aria-label")


def check_self_contained(page, tree):
    """Nothing is fetched or run, whatever the text holds."""
    assert not list(tree.iter("script"))
    for element in tree.iter():
        for name in element.attrib:
            assert name not in ("src", "href", "srcset", "style", "action"), (element.tag, name)
            assert not str(name).startswith("on"), (element.tag, name)
    assert "@import" not in page and "url(" not in page
    policy = [meta.get("content") for meta in tree.iter("meta")
              if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]


@pytest.mark.parametrize("options", [
    [], ["--timezone", "Asia/Singapore"], ["--timezone", "America/St_Johns", "--gap", "30 min"],
    ["--from", "2024-03-08", "--to", "2024-03-12", "--frame", "overlap"], ["--from", "2031-01-01"]])
def test_numbers_of_the_report(here, options):
    page = page_of(here, *options, *DEMO)
    rows = report_rows(here, *options, *DEMO)
    tree = parse(page)
    check_form(tree)
    check_self_contained(page, tree)
    check_totals(tree, rows)
    check_hours(tree, rows)
    check_users(tree, rows)
    assert drop_zeros(counts(tree, "time-table")) == count_rows(
        rows, lambda row: row["session_start"][:10])


@pytest.mark.parametrize("jobs", [1, 3])
def test_campaigns(here, jobs):
    pairs = expected_pairs(DATA / "http_log.txt", DATA / "campaign_reward_mapping.csv")
    assert sum(pairs.values()) > 150
    check_campaigns(parse(page_of(here, "--jobs", jobs, *DEMO)), pairs)


def test_campaigns_of_many(here):
    """More rewards of a campaign, and campaigns, than are named; equal counts."""
    lines, mapping = [], ["campaign_id,reward_id"]
    for campaign in range(1, 16):
        mapping += [f"{campaign},{campaign * 100 + reward}" for reward in range(9)]
        for user in range(campaign % 7 + 1):
            lines.append(f"2024-03-10T08:00:00Z GET /campaigns/{campaign} c{campaign}u{user}")
            lines += [f"2024-03-10T08:01:00Z POST /rewards/{campaign * 100 + reward} c{campaign}u{user}"
                      for reward in range(9 - campaign % 4 if user else 8)]
            lines += lines[-1:]  # the same issue again is no other driven reward
    log = here.write("log.txt", "\n".join(lines) + "\n")
    here.write("map.csv", "\n".join(mapping + mapping[1:]) + "\n")
    pairs = expected_pairs(log, here.path / "map.csv")
    check_campaigns(parse(page_of(here, "--mapping", "map.csv", "log.txt")), pairs)


# From, to, and what the columns are; the first session of each starts at the first time.
RANGES = [
    ("2024-03-10T08:30:00", "2024-03-10T08:30:00", "hour", "2024-03-10 08:00", 1),
    ("2024-03-10T08:30:00", "2024-03-13T07:59:00", "hour", "2024-03-10 08:00", 72),
    ("2024-03-10T08:30:00", "2024-03-13T08:00:00", "day", "2024-03-10", 4),
    ("2024-03-10T23:59:59", "2024-06-09T00:00:00", "day", "2024-03-10", 92),
    ("2024-03-10T23:59:59", "2024-06-10T00:00:00", "week", "2024-03-04", 15),
    ("1999-12-31T00:00:00", "2001-12-20T00:00:00", "week", "1999-12-27", 104),
    ("1999-12-31T00:00:00", "2003-01-01T00:00:00", "month", "1999-12", 38),
    ("1999-12-31T00:00:00", "2009-11-30T00:00:00", "month", "1999-12", 120),
    ("1999-12-31T00:00:00", "2009-12-01T00:00:00", "year", "1999", 11),
    ("0001-01-01T00:00:00", "9999-12-31T23:00:00", "100 years", "1 BC", 100),
]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("first,last,unit,label,columns", RANGES)
def test_columns_over_time(here, order, first, last, unit, label, columns):
    """Any range gives a chart of few columns, in whatever order the sessions come."""
    start, end = map(datetime.datetime.fromisoformat, (first, last))
    times = [start + (end - start) * i / 50 for i in range(51)][::order]
    here.write("log.txt", "".join(f"{time.isoformat(timespec='seconds')}Z GET /x u{i:02}\n"
                                  for i, time in enumerate(times)))
    tree = parse(page_of(here, "log.txt"))
    rows = table(tree, "time-table")
    assert text_of(by_id(tree, "time-heading")) == f"Sessions over time by {unit}"
    assert (rows[0][0], len(rows)) == (label, columns)
    assert sum(number(row[1]) for row in rows) == 51
    assert number(rows[0][1]) > 0 and number(rows[-1][1]) > 0
    labels = [row[0] for row in rows]
    assert len(set(labels)) == columns
    if unit in ("hour", "day", "week", "month"):
        assert labels == sorted(labels)


def hostile_log(here):
    lines = []
    for i, text in enumerate(HOSTILE):
        user = re.sub(r"[\s\u0085\u2028\u00a0]", "_", text) + f"#{i}"
        path = "/" + re.sub(r"\s", "_", text)
        lines += [f"2024-03-{day:02}T08:00:00Z GET {path} {user}" for day in range(1, 4)]
        lines.append(f"2024-03-01T08:00:01Z GET /campaigns/1?{path[1:]} {user}")
        lines.append(f"2024-03-01T08:00:02Z POST /rewards/10#{path[1:]} {user}")
    here.write("hostile.txt", "\n".join(lines) + "\n")
    here.write("map.csv", "campaign_id,reward_id\n1,10\n-9223372036854775808,9223372036854775807\n")
    return ["--mapping", "map.csv", "hostile.txt"]


def test_hostile_log(here):
    """Text from the log is text on the page, and nothing else."""
    files = hostile_log(here)
    seen = set()
    rows = report_rows(here, *files)
    for options in ([], ["--from", "2024-03-02"]):
        page = page_of(here, *options, *files)
        tree = parse(page)
        check_form(tree)
        check_self_contained(page, tree)
        check_totals(tree, report_rows(here, *options, *files))
        seen |= {row[0] for row in table(tree, "people")}
        assert all(len(name) <= 121 for name in seen)
    users = sorted({row["user_id"] for row in rows}, key=str.encode)
    shown = [re.sub("[\u202a-\u202e\u2066-\u2069\ufffe\ufdd0\x80-\x9f]", "\ufffd", user) for user in users[:10]]
    assert [row[0] for row in table(parse(page_of(here, *files)), "people")] == [
        name if len(name.encode()) <= 120 else
        name.encode()[:120].decode(errors="ignore") + "\u2026" for name in shown]


def test_each_hostile_user(here):
    """One by one, so that each is among the users shown."""
    for text in HOSTILE:
        user = re.sub(r"\s", "_", text)
        here.write("log.txt", f"2024-03-01T08:00:00Z GET / {user}\n")
        page = page_of(here, "log.txt")
        tree = parse(page)
        check_self_contained(page, tree)
        assert len(table(tree, "people")) == 1
        # nothing but the user's own cell has changed
        here.write("log.txt", "2024-03-01T08:00:00Z GET / plain\n")
        cell = re.compile("<bdi>[^<]*</bdi></th>")
        assert cell.sub("", page) == cell.sub("", page_of(here, "log.txt"))


def test_summary(here):
    """The head says what was asked for."""
    options = ["--gap", "10 min", "--timezone", "asia/singapore", "--from", "2024-03-08"]
    tree = parse(page_of(here, *options, "--to", "2024-03-09", "--frame", "overlap", *DEMO))
    assert text_of(tree.find(".//header/p")) == (
        "Sessions that started on 2024-03-08. Time zone: asia/singapore. A session ends with a pause of 10 min. "
        "Asked for: from 2024-03-08 before 2024-03-09. Any activity in that time counts.")
    assert text_of(parse(page_of(here, "--to", "2024-03-04", *DEMO)).find(".//header/p")) == (
        "Sessions that started on 2024-03-03. Time zone: UTC. A session ends with a pause of 5 min. "
        "Asked for: before 2024-03-04.")


def test_empty_user(here):
    """The empty id is a user like others."""
    import fastavro
    schema = {"type": "record", "name": "L", "fields": [
        {"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        *({"name": name, "type": "string"} for name in ("http_method", "http_path", "user_id"))]}
    with open(here.path / "log.avro", "wb") as file:
        fastavro.writer(file, schema, [{"timestamp": 0, "http_method": "GET", "http_path": "/", "user_id": user}
                                       for user in ("", "", "a")])
    tree = parse(page_of(here, "log.avro"))
    assert total(tree, "users") == 2
    assert table(tree, "people") == [["empty id", "1", "0"], ["a", "1", "0"]]


def test_memory_does_not_follow_rows(here):
    """The page's own memory: ten times the sessions of few users take no more."""
    sizes = []
    for count in (30_000, 300_000):
        start = datetime.datetime(2024, 1, 1)
        here.write("log.txt", "".join(
            f"{(start + datetime.timedelta(minutes=6 * i)).isoformat()}Z GET / u\n" for i in range(count)))
        done = here.run_ok("report", "--format", "html", "--jobs", "1", "--memory", "16MB", "log.txt")
        sizes.append(len(done.out))
        assert total(parse(done.out), "sessions") == count
    assert sizes[1] < 2 * sizes[0]


def test_full_disk(here):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([PROGRAM, "report", "--format", "html", *map(str, DEMO)], cwd=here.path,
                              stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=60, check=False)
    assert done.returncode == 3 and b"No space left" in done.stderr


# Colours


def colours():
    """The colours by name of the light, dark and print blocks of the style sheet."""
    style = (ROOT / "loader" / "web" / "report.css").read_text(encoding="utf-8")
    blocks = [dict(re.findall(r"--([a-z]+): (#[0-9a-f]{3,6})", block))
              for block in re.findall(r":root \{(.*?)\}", style, re.DOTALL)]
    assert len(blocks) == 3 and blocks[0].keys() == blocks[1].keys() == blocks[2].keys()
    return blocks


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    linear = []
    for i in (0, 2, 4):
        value = int(digits[i:i + 2], 16) / 255
        linear.append(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("block", [0, 1, 2])
def test_contrast(block):
    """WCAG AA: text 4.5, shapes 3 to 1."""
    named = colours()[block]
    for ground in ("page", "card"):
        for text in ("ink", "soft"):
            assert contrast(named[text], named[ground]) >= 4.5, (text, ground)
    for shape in ("sessions", "driven"):
        assert contrast(named[shape], named["card"]) >= 3, shape


# In a browser

# The page in a frame: a window is never as narrow as a phone.
PROBE = """<!DOCTYPE html><meta name="color-scheme" content="light dark"><body><script>
const frame = document.createElement('iframe');
frame.width = WIDTH;
frame.height = 900;
frame.style.border = 0;
frame.addEventListener('load', () => {
  const page = frame.contentDocument, view = frame.contentWindow;
  const all = [...page.querySelectorAll('main *, header *, footer *')];
  const wide = all.filter(e => !e.closest('.scroll, .unseen, svg') &&
      e.getBoundingClientRect().right > view.innerWidth + 1);
  const boxes = [...page.querySelectorAll('svg.axis')].map(
      axis => [...axis.querySelectorAll('text')].map(e => e.getBoundingClientRect()));
  const answer = {width: view.innerWidth, scroll: page.documentElement.scrollWidth,
      wide: wide.map(e => e.outerHTML.slice(0, 80)), title: page.title,
      ground: view.getComputedStyle(page.body).backgroundColor,
      overlaps: boxes.flatMap(row => row.filter((box, i) => i > 0 && box.left < row[i - 1].right + 2)).length,
      small: all.filter(e => e.textContent.trim() && parseFloat(view.getComputedStyle(e).fontSize) < 12).length,
      bars: [...page.querySelectorAll('rect.s')].filter(e => e.getBoundingClientRect().height > 1).length};
  document.body.textContent = JSON.stringify(answer);
});
frame.srcdoc = PAGE;
document.body.append(frame);
</script>"""


def browse(here, page, *arguments):
    here.write("page.html", page)
    profile = here.path / "profile"
    shutil.rmtree(profile, ignore_errors=True)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
         f"--user-data-dir={profile}", *arguments, f"file://{here.path}/page.html"],
        cwd=here.path, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode()


def scheme(dark):
    return f"--blink-settings=preferredColorScheme={0 if dark else 1}"


@NEEDS_CHROMIUM
@pytest.mark.parametrize("kind", ["demo", "hostile"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1024, 1920])
def test_layout(here, width, dark, kind):
    """Nothing sticks out, nothing is too small to read, the colours follow the reader's."""
    page = page_of(here, *(DEMO if kind == "demo" else hostile_log(here)))
    # the policy would hold off a script; so would the real page
    page = re.sub("<meta http-equiv=[^>]*>", "", page, count=1)
    probe = PROBE.replace("WIDTH", str(width)).replace("PAGE", json.dumps(page).replace("<", "\\u003c"))
    dom = browse(here, probe, scheme(dark), f"--window-size={width + 600},1000", "--dump-dom")
    text = re.search(r"<body>(.*)</body>", dom, re.DOTALL).group(1)
    answer = json.loads(ElementTree.fromstring(f"<a>{text}</a>").text)
    assert answer["width"] == width
    assert answer["scroll"] <= width and answer["wide"] == []
    assert answer["title"] == "Session report"
    assert answer["small"] == 0 and answer["overlaps"] == 0
    assert answer["bars"] > 3
    red, green, blue = (int(colours()[dark]["page"][i:i + 2], 16) for i in (1, 3, 5))
    assert answer["ground"] == f"rgb({red}, {green}, {blue})"


@NEEDS_CHROMIUM
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 1024, 1920])
def test_screenshot(here, width, dark):
    browse(here, page_of(here, *DEMO), scheme(dark), f"--window-size={width},2400", "--screenshot=page.png")
    image = here.read("page.png")
    assert image[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", image[16:24]) == (width, 2400)
    assert len(image) > 20_000, "a page with something on it"


@NEEDS_CHROMIUM
def test_print(here):
    browse(here, page_of(here, *DEMO), "--print-to-pdf=page.pdf", "--no-pdf-header-footer")
    paper = here.read("page.pdf")
    assert paper.startswith(b"%PDF-")
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", paper)) <= 3
