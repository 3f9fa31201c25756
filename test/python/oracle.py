#!/usr/bin/env python3
# test/python/oracle.py - the session report in plain Python: slow, simple, and made
# from the rules alone, to compare the real ones with
"""Usage: oracle.py [OPTION]... FILE...

Print the session report of the events in FILE... as CSV, in UTC. A FILE whose name ends
in .csv has the columns user_id, timestamp, http_method and http_path, empty for NULL;
any other is an HTTP log: timestamp, method, path and user with one space between.

Times are whole microseconds since the start of the year 1 in Python's integers, so
nothing is rounded and nothing overflows.
"""

import argparse
import collections
import csv
import datetime
import re
import sys

SECOND = 1_000_000
DAY = 86_400 * SECOND
DEFAULT_GAP = 300 * SECOND
BIGINT_MAX = 2**63 - 1
COLUMNS = ("user_id", "session_start", "session_end", "campaigns", "rewards_issued",
           "reward_driven_by_campaign_view")

TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)")
# Behind the id: at most one slash, then perhaps a query, perhaps a fragment, of anything.
VIEW = re.compile(r"/campaigns/([0-9]+)/?(?:[?#].*)?", re.DOTALL)
ISSUE = re.compile(r"/rewards/([0-9]+)/?(?:[?#].*)?", re.DOTALL)

Event = collections.namedtuple("Event", "time kind id")
Session = collections.namedtuple("Session", "start end campaigns rewards driven")


def parse_timestamp(text):
    """Turn RFC 3339 text into microseconds since 0001-01-01T00:00:00 UTC."""
    match = TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError(f"not a timestamp: {text!r}")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = match.groups()[6:]
    datetime.time(hour, minute, second)  # checks the ranges
    days = datetime.date(year, month, day).toordinal() - 1
    local = ((days * 24 + hour) * 60 + minute) * 60 + second
    offset = (int(offset_hours or 0) * 60 + int(offset_minutes or 0)) * 60
    if sign == "-":
        offset = -offset
    return (local - offset) * SECOND + int((fraction or "").ljust(6, "0"))


def format_timestamp(time):
    """Write a time as the report does: UTC, a fraction of six digits only if there is one."""
    days, of_day = divmod(time, DAY)
    seconds, fraction = divmod(of_day, SECOND)
    date = datetime.date.fromordinal(days + 1)
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return (f"{date.year:04}-{date.month:02}-{date.day:02}T{clock}"
            f"{f'.{fraction:06}' if fraction else ''}+00:00")


def classify(method, path):
    """Say what a request means: ("view" | "issue" | "other", id)."""
    for wanted, pattern, kind in (("GET", VIEW, "view"), ("POST", ISSUE, "issue")):
        match = pattern.fullmatch(path or "")
        if method == wanted and match and int(match.group(1)) <= BIGINT_MAX:
            return kind, int(match.group(1))
    return "other", None


def cut(events, gap):
    """Split the events of one user wherever two neighbours are the gap or more apart."""
    events = sorted(events, key=lambda event: event.time)
    groups = []
    for event in events:
        if groups and event.time - groups[-1][-1].time < gap:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def distinct_ids(events, kind):
    """The ids of one kind in order of first occurrence, then id."""
    first = {}
    for event in events:
        if event.kind == kind:
            first[event.id] = min(first.get(event.id, event.time), event.time)
    return sorted(first, key=lambda one: (first[one], one))


def is_driven(events, mapping):
    """True if a reward was issued strictly later than a view of a campaign that has it."""
    views = {(event.id, event.time) for event in events if event.kind == "view"}
    issues = {(event.id, event.time) for event in events if event.kind == "issue"}
    return any((campaign, reward) in mapping and viewed < issued
               for campaign, viewed in views for reward, issued in issues)


def summarise(events, mapping):
    return Session(events[0].time, events[-1].time, distinct_ids(events, "view"),
                   distinct_ids(events, "issue"), is_driven(events, mapping))


def in_frame(events, frame, since, until):
    """True if the session starts in [since, until), or for "overlap" has an event in it."""
    checked = events if frame == "overlap" else events[:1]
    return any((since is None or event.time >= since) and (until is None or event.time < until)
               for event in checked)


def session_report(rows, mapping, gap=DEFAULT_GAP, frame="start", since=None, until=None):
    """Yield (user_id, Session) from rows (user_id, time, method, path), None for NULL."""
    users = collections.defaultdict(list)
    for user_id, time, method, path in rows:
        if user_id is not None and time is not None:
            users[user_id].append(Event(time, *classify(method, path)))
    for user_id in sorted(users, key=lambda name: name.encode()):
        for events in cut(users[user_id], gap):
            if in_frame(events, frame, since, until):
                yield user_id, summarise(events, mapping)


def read_csv(path):
    """Yield the rows of a CSV file as dictionaries, None for an empty field."""
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            yield {name: value or None for name, value in row.items()}


def read_log(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            time, method, request, user_id = line.rstrip("\n").split(" ")
            yield user_id, parse_timestamp(time), method, request


def read_events(path):
    """Yield (user_id, time, method, path) from a CSV file or a log."""
    if not path.endswith(".csv"):
        yield from read_log(path)
        return
    for row in read_csv(path):
        time = row["timestamp"]
        yield (row["user_id"], time and parse_timestamp(time), row["http_method"],
               row["http_path"])


def read_mapping(path):
    """The set of pairs; those with a NULL are ignored."""
    pairs = ((row["campaign_id"], row["reward_id"]) for row in read_csv(path))
    return {(int(campaign), int(reward)) for campaign, reward in pairs if campaign and reward}


def quote(text):
    """Quote a field of CSV only where it must be."""
    if text == "" or any(special in text for special in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def cells(user_id, session):
    """The fields of a report row as the report prints them."""
    lists = ["{" + ",".join(map(str, ids)) + "}"
             for ids in (session.campaigns, session.rewards)]
    return [user_id, format_timestamp(session.start), format_timestamp(session.end), *lists,
            "t" if session.driven else "f"]


def main():
    parser = argparse.ArgumentParser(description="print the session report as CSV, in UTC")
    parser.add_argument("--mapping", metavar="FILE", help="CSV with campaign_id and reward_id")
    parser.add_argument("--gap", type=int, default=DEFAULT_GAP, metavar="MICROSECONDS")
    parser.add_argument("--frame", choices=("start", "overlap"), default="start")
    parser.add_argument("--since", type=parse_timestamp, metavar="TIMESTAMP")
    parser.add_argument("--until", type=parse_timestamp, metavar="TIMESTAMP")
    parser.add_argument("files", nargs="+", metavar="FILE")
    options = parser.parse_args()
    rows = (row for path in options.files for row in read_events(path))
    mapping = read_mapping(options.mapping) if options.mapping else set()
    report = session_report(rows, mapping, options.gap, options.frame, options.since,
                            options.until)
    out = [",".join(COLUMNS)]
    out += [",".join(map(quote, cells(user_id, session))) for user_id, session in report]
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
