# test/cloud/test_bigquery.py - sql/bigquery gives the rows of the extension
"""On ZetaSQL, GoogleSQL's own analyzer and evaluator: what a query says is what BigQuery would say.
What it stores, loads and charges is not seen here."""

import decimal
import random

import pytest

import cases
import oracle
from agreement import Agreement

pytest.importorskip("zetasql", reason="zetasql is not there")
import googlesql  # noqa: E402

QUERIES = list(oracle.read_csv(cases.TRUTH / "queries.csv"))
SECOND = oracle.SECOND
REPORT = "SELECT * FROM clickstream.session_report(NULL, NULL)"


@pytest.fixture(scope="module")
def warehouse():
    return googlesql.Warehouse()


def settings(warehouse, gap=cases.GAP, zone="Asia/Singapore"):
    warehouse.rows["report_setting"] = [[gap, zone, None]]


def fill(warehouse, log):
    """Put a log and its pairs in place of what is there."""
    settings(warehouse)
    for table in ("sessions", "load_batch", "session_touched"):
        warehouse.rows[table] = []
    warehouse.rows["http_log"] = [[time, method, path, user, None] for user, time, method, path in log.rows]
    warehouse.rows["campaign_reward_mapping"] = [list(pair) for pair in log.pairs]


def answer(rows):
    """Rows of a report as the extension's."""
    assert not [row for row in rows if row[6] or row[3] is None or row[4] is None]
    return cases.by_user([(user, start, end, cases.numbers(views), cases.numbers(issues), driven)
                          for user, start, end, views, issues, driven, _ in rows])


@pytest.fixture(scope="module")
def rows(warehouse, everything):
    fill(warehouse, everything[0])
    return answer(warehouse.query(REPORT))


class TestReport(Agreement):
    """The truth table, and the random logs."""


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query["query"])
def test_frames_and_gaps(query, warehouse):
    """A frame by start is the report's own range; the other is asked for as docs/scale.md says."""
    log = cases.truth()
    fill(warehouse, log)
    settings(warehouse, int(query["gap_microseconds"]))
    bounds = {name: query[name] and oracle.parse_timestamp(query[name]) for name in ("since", "until")}
    written = {name: bound and f"TIMESTAMP_MICROS({bound - cases.EPOCH})" for name, bound in bounds.items()}
    if query["frame"] == "start":
        text = "SELECT * FROM clickstream.session_report({since}, {until})".format(
            **{name: bound or "NULL" for name, bound in written.items()})
    else:
        text = f"""SELECT r.* FROM clickstream.session_report(NULL, NULL) AS r JOIN (
            SELECT DISTINCT e.user_id, e.session_start FROM clickstream.session_event(NULL, NULL) AS e
            WHERE e.timestamp >= {written['since']} AND e.timestamp < {written['until']}
        ) AS e ON e.user_id = r.user_id AND e.session_start = r.session_start"""
    assert answer(warehouse.query(text)) == cases.of_oracle(
        log, int(query["gap_microseconds"]), frame=query["frame"],
        since=bounds["since"] or None, until=bounds["until"] or None)


def test_ranges_never_cut_a_session(warehouse, everything):
    """Any range gives what the whole report has in it, though it reads little more of the log."""
    log = cases.truth() + cases.random_log(3)
    whole = cases.answer_of(everything[1], log)
    fill(warehouse, log)
    chance = random.Random(cases.SEED)
    starts = [row[1] for row in whole]
    for _ in range(40 if cases.SOAK else 4):
        since, until = sorted(chance.choice(starts) + chance.choice([0, 1, cases.GAP // 2]) for _ in range(2))
        found = answer(warehouse.query("SELECT * FROM clickstream.session_report("
                                       f"TIMESTAMP_MICROS({since}), TIMESTAMP_MICROS({until}))"))
        assert found == [row for row in whole if since <= row[1] < until]


def test_session_longer_than_the_range_and_a_day(warehouse):
    """What a range cannot tell is refused, not cut."""
    rows = [("u", minute * 240 * SECOND, "GET", "/") for minute in range(400)]
    fill(warehouse, cases.Log("long", rows, []))
    with pytest.raises(Exception, match='the session of user "u" that starts at 1970-01-01 .* may go on'):
        warehouse.query("SELECT * FROM clickstream.session_report(NULL, TIMESTAMP_MICROS(1))")
    assert len(warehouse.query(REPORT)) == 1
    settings(warehouse, oracle.DAY + 1)
    with pytest.raises(Exception, match="a range needs a gap of a day at most"):
        warehouse.query("SELECT * FROM clickstream.session_report(TIMESTAMP_MICROS(0), NULL)")


def test_real_log(warehouse, campaigns, extension):
    """In parts, of some users each: the evaluator holds no more than 128 MB."""
    log = cases.real(campaigns)
    users = sorted({row[0] for row in log.rows})
    found = []
    for part in range(4):
        some = set(users[part::4])
        fill(warehouse, cases.Log("part", [row for row in log.rows if row[0] in some], log.pairs))
        found += answer(warehouse.query(REPORT))
    found = cases.by_user(found)
    assert found == extension.report(log)
    assert (len(found), sum(row[5] for row in found)) == (7377, 340)


def load(warehouse, number, rows):
    """What load_log does behind LOAD DATA."""
    times = [time for _, time, _, _ in rows if time is not None]
    warehouse.rows["http_log"] += [[time, method, path, user, number] for user, time, method, path in rows]
    warehouse.rows["load_batch"].append([number, f"gs://b/{number}", len(rows), min(times), max(times), 0, False])


def test_incremental_is_full(warehouse, everything):
    """Loads in any order, events late by any time, a refresh after each: always the whole report."""
    log = cases.truth() + cases.random_log(1) + cases.random_log(2)
    fill(warehouse, cases.Log("none", [], log.pairs))
    rows = list(log.rows)
    random.Random(cases.SEED).shuffle(rows)
    size = len(rows) // 6 + 1
    for number in range(6):
        load(warehouse, number, rows[number * size:(number + 1) * size])
        warehouse.call("refresh_sessions")
        assert (answer(warehouse.query("SELECT * FROM clickstream.sessions"))
                == answer(warehouse.query(REPORT)))
        assert [row[6] for row in warehouse.rows["load_batch"]] == [True] * (number + 1)
        assert warehouse.rows["session_touched"] == []
    assert (answer(warehouse.query("SELECT * FROM clickstream.sessions"))
            == cases.answer_of(everything[1], log))


def test_refresh_touches_only_what_is_new(warehouse):
    """Rows of other users, and sessions far from the new requests, are not made anew."""
    fill(warehouse, cases.Log("none", [], []))
    load(warehouse, 1, [("a", 0, "GET", "/"), ("a", oracle.DAY, "GET", "/"), ("b", 0, "GET", "/")])
    warehouse.call("refresh_sessions")
    for row in warehouse.rows["sessions"]:
        row[6] = True
    load(warehouse, 2, [("a", oracle.DAY + 60 * SECOND, "GET", "/campaigns/1"), ("c", 0, "GET", "/")])
    warehouse.call("refresh_sessions")
    found = sorted((row[0], row[1], row[3], row[6]) for row in warehouse.rows["sessions"])
    assert found == [("a", 0, "", True), ("a", oracle.DAY, "1", False), ("b", 0, "", True), ("c", 0, "", False)]
    warehouse.call("refresh_sessions")
    assert found == sorted((row[0], row[1], row[3], row[6]) for row in warehouse.rows["sessions"])


def fill_rewards(warehouse, case):
    warehouse.rows["reward_campaign"] = [[number, name, None, campaign] for number, name, campaign in case.rewards]
    warehouse.rows["reward_transaction"] = [list(row) for row in case.transactions]


@pytest.fixture(params=["sample", "random"])
def rewards(request, warehouse, extension):
    """The same rewards and transactions in both."""
    if request.param == "sample":
        case = cases.sample_rewards(request.getfixturevalue("campaigns"))
    else:
        case = cases.random_rewards()
    extension.fill_rewards(case)
    fill_rewards(warehouse, case)
    return case


@pytest.mark.parametrize("asked", cases.ENGAGEMENTS, ids=str)
def test_campaign_engagement(asked, rewards, warehouse, extension):  # pylint: disable=unused-argument
    campaign, first, last, zone = asked
    settings(warehouse, zone=zone)
    found = warehouse.query("SELECT transactions, date, time FROM clickstream.campaign_engagement "
                            f"WHERE campaign_id = {campaign}" + cases.days(first, last, "date"))
    assert (sorted(found, key=lambda row: (-row[0], *row[1:]))
            == extension.engagement(*asked))


@pytest.mark.parametrize("asked", cases.WEEKS, ids=str)
def test_weekly_rewards(asked, rewards, warehouse, extension):  # pylint: disable=unused-argument
    campaign, first, last, zone = asked
    settings(warehouse, zone=zone)
    found = warehouse.query("SELECT reward_name, redeemed, pct_change, week, reward_id FROM clickstream.weekly_rewards "
                            f"WHERE {f'campaign_id = {campaign}' if campaign else 'TRUE'}"
                            + cases.days(first, last, "week", "DATE_TRUNC({}, ISOWEEK)"))
    assert [(name, count, change and decimal.Decimal(change), week) for name, count, change, week, _
            in sorted(found, key=lambda row: (row[3], row[0], row[4]))] == extension.weeks(*asked)


def test_files_are_googlesql():
    """Every file is a script that ZetaSQL can read, and so is the LOAD DATA that a text holds."""
    from zetasql.api import Parser  # pylint: disable=import-outside-toplevel
    from zetasql.types import LanguageOptions  # pylint: disable=import-outside-toplevel
    language = LanguageOptions.maximum_features()
    files = googlesql.read_sql()
    for text in files.values():
        Parser.parse_script_static(text, language)
    inside = files["load"].split('"""')[1].replace("%T", "'gs://bucket/log.avro'")
    assert "LOAD DATA" in inside
    Parser.parse_statement_static(inside, language)
