#!/usr/bin/env python3
# test/python/oracle.py - the session report in plain Python: slow, simple, and made
# from the rules alone, to compare the real ones with
"""Usage: oracle.py [OPTION]... FILE...

Print the session report of the events in FILE... as CSV, in UTC; or what the functions
session_details, session_conversions and session_funnel say of each user. A FILE whose name ends
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
import zoneinfo

SECOND = 1_000_000
DAY = 86_400 * SECOND
DEFAULT_GAP = 300 * SECOND
BIGINT_MAX = 2**63 - 1
INFINITY = 10**30
COLUMNS = ("user_id", "session_start", "session_end", "campaigns", "rewards_issued",
           "reward_driven_by_campaign_view")

TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)")
# Behind the id: at most one slash, then perhaps a query, perhaps a fragment, of anything.
VIEW = re.compile(r"/campaigns/([0-9]+)/?(?:[?#].*)?", re.DOTALL)
ISSUE = re.compile(r"/rewards/([0-9]+)/?(?:[?#].*)?", re.DOTALL)

KINDS = ("other", "view", "issue")
DETAILS = ("user_id", "session_start", "session_end", "events", "campaigns", "rewards_issued",
           "reward_driven_by_campaign_view", "session_id", "duration", "entry_kind", "entry_id",
           "exit_kind", "exit_id", "bounce", "may_continue_before", "may_continue_after")
CONVERSIONS = ("user_id", "session_start", "campaign_id", "viewed_at", "reward_id", "issued_at")
FUNNEL = ("user_id", "session_start", "steps", "reached_at")

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


def in_order(events):
    """Events as a state has them: by time, kind, id."""
    return sorted(events, key=lambda event: (event.time, KINDS.index(event.kind), event.id or 0))


def local_date(time, zone):
    """The date of an instant in a time zone."""
    instant = datetime.datetime(1, 1, 1, tzinfo=datetime.timezone.utc)
    instant += datetime.timedelta(microseconds=time)
    return instant.astimezone(zoneinfo.ZoneInfo(zone)).date()


def starts_session(part, event, rules):
    """True if a rule parts the event from the session that it would go on with."""
    viewed = [one.id for one in part if one.kind == "view"]
    return (rules.max_length is not None and event.time - part[0].time > rules.max_length
            or rules.midnight is not None
            and local_date(event.time, rules.midnight) != local_date(part[-1].time, rules.midnight)
            or rules.cut_on_campaign and event.kind == "view" and viewed[-1:] not in ([], [event.id]))


def cut_further(events, rules):
    """Split the events of one session, in order, by the rules."""
    parts = [[events[0]]]
    for event in events[1:]:
        if starts_session(parts[-1], event, rules):
            parts.append([event])
        else:
            parts[-1].append(event)
    return parts


def may_continue_before(part, is_first, rules):
    """Whether events before what was loaded might belong to the session; None if not known."""
    if rules.loaded_from is None:
        return None
    edge = min(rules.loaded_from, part[0].time)
    return (is_first and rules.loaded_from != -INFINITY and part[0].time - edge < rules.gap
            and (rules.midnight is None
                 or local_date(edge - 1, rules.midnight) == local_date(part[0].time, rules.midnight)))


def may_continue_after(part, is_last, rules):
    """The same of events behind what was loaded."""
    if rules.loaded_until is None:
        return None
    edge = max(rules.loaded_until, part[-1].time)
    return (is_last and rules.loaded_until != INFINITY and edge - part[-1].time < rules.gap
            and (rules.max_length is None or edge - part[0].time <= rules.max_length)
            and (rules.midnight is None
                 or local_date(edge, rules.midnight) == local_date(part[-1].time, rules.midnight)))


def user_details(user_id, events, mapping, rules):
    """Yield the rows of session_details of one user."""
    seen = collections.Counter()
    for whole in cut(in_order(events), rules.gap):
        parts = cut_further(whole, rules)
        for number, part in enumerate(parts):
            start, end = part[0].time, part[-1].time
            seen[start] += 1
            name = f"{user_id}@{format_timestamp(start).replace('+00:00', 'Z')}"
            name += f"#{seen[start]}" if seen[start] > 1 else ""
            yield (user_id, format_timestamp(start), format_timestamp(end), len(part),
                   distinct_ids(part, "view"), distinct_ids(part, "issue"),
                   is_driven(part, mapping), name, end - start, part[0].kind, part[0].id,
                   part[-1].kind, part[-1].id, len(part) == 1,
                   may_continue_before(part, number == 0, rules),
                   may_continue_after(part, number == len(parts) - 1, rules))


def user_conversions(user_id, events, mapping, rules):
    """Yield the rows of session_conversions of one user."""
    for session in cut(in_order(events), rules.gap):
        found = []
        for campaign, reward in mapping:
            views = [event.time for event in session if (event.kind, event.id) == ("view", campaign)]
            issues = [event.time for event in session if (event.kind, event.id) == ("issue", reward)]
            later = [time for time in issues if views and time > min(views)]
            if later:
                found.append((min(views), campaign, min(later), reward))
        for viewed, campaign, issued, reward in sorted(found):
            yield (user_id, format_timestamp(session[0].time), campaign, format_timestamp(viewed),
                   reward, format_timestamp(issued))


def user_funnel(user_id, events, _mapping, rules):
    """Yield the rows of session_funnel of one user."""
    for session in cut(in_order(events), rules.gap):
        reached = []
        for kind, wanted in rules.steps:
            times = [event.time for event in session
                     if event.kind == kind and (kind == "other" or wanted in (None, event.id))
                     and (not reached or event.time > reached[-1])]
            if not times:
                break
            reached.append(min(times))
        yield (user_id, format_timestamp(session[0].time), len(reached),
               [format_timestamp(time) for time in reached])


def user_table(rows, mapping, rules, of_user):
    """Yield what of_user says of each user, in order of their names' bytes."""
    users = collections.defaultdict(list)
    for user_id, time, method, path in rows:
        if user_id is not None and time is not None:
            users[user_id].append(Event(time, *classify(method, path)))
    for user_id in sorted(users, key=lambda name: name.encode()):
        yield from of_user(user_id, users[user_id], mapping, rules)


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


def cell(value):
    """A field as COPY prints it."""
    if isinstance(value, list):
        return "{" + ",".join(map(str, value)) + "}"
    if isinstance(value, bool):
        return "t" if value else "f"
    return "" if value is None else quote(str(value))


def parse_edge(text):
    return {"-infinity": -INFINITY, "infinity": INFINITY}.get(text) or parse_timestamp(text)


def parse_step(text):
    kind, _, wanted = text.partition(":")
    return kind, int(wanted) if wanted else None


def parse_arguments():
    parser = argparse.ArgumentParser(description="print the session report as CSV, in UTC")
    parser.add_argument("--table", default="report",
                        choices=("report", "details", "conversions", "funnel"))
    parser.add_argument("--mapping", metavar="FILE", help="CSV with campaign_id and reward_id")
    parser.add_argument("--gap", type=int, default=DEFAULT_GAP, metavar="MICROSECONDS")
    parser.add_argument("--frame", choices=("start", "overlap"), default="start")
    parser.add_argument("--since", type=parse_timestamp, metavar="TIMESTAMP")
    parser.add_argument("--until", type=parse_timestamp, metavar="TIMESTAMP")
    parser.add_argument("--max-length", type=int, metavar="MICROSECONDS")
    parser.add_argument("--midnight", metavar="ZONE")
    parser.add_argument("--cut-on-campaign", action="store_true")
    parser.add_argument("--loaded-from", type=parse_edge, metavar="TIMESTAMP")
    parser.add_argument("--loaded-until", type=parse_edge, metavar="TIMESTAMP")
    parser.add_argument("--steps", type=parse_step, nargs="+", metavar="KIND:ID", default=[])
    parser.add_argument("files", nargs="+", metavar="FILE")
    return parser.parse_args()


def main():
    options = parse_arguments()
    rows = (row for path in options.files for row in read_events(path))
    mapping = read_mapping(options.mapping) if options.mapping else set()
    if options.table == "report":
        report = session_report(rows, mapping, options.gap, options.frame, options.since,
                                options.until)
        out = [",".join(COLUMNS)]
        out += [",".join(map(quote, cells(user_id, session))) for user_id, session in report]
    else:
        columns, of_user = {"details": (DETAILS, user_details),
                            "conversions": (CONVERSIONS, user_conversions),
                            "funnel": (FUNNEL, user_funnel)}[options.table]
        out = [",".join(columns)]
        out += [",".join(quote(cell(value)) if isinstance(value, list) else cell(value)
                         for value in row)
                for row in user_table(rows, mapping, options, of_user)]
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main()
