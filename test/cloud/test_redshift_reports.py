# test/cloud/test_redshift_reports.py - sql/redshift gives the rows of the extension
"""On the double of Redshift, filled by INSERT; what COPY brings is in test_redshift_copy.py."""

import datetime
import decimal
import random

import psycopg2
import pytest
from psycopg2.extras import execute_values

import cases
import oracle
from agreement import Agreement
from redshift_server import Redshift

EPOCH = datetime.datetime(1970, 1, 1)
QUERIES = list(oracle.read_csv(cases.TRUTH / "queries.csv"))


@pytest.fixture(scope="module")
def warehouse(postgres, tmp_path_factory):
    """A double of Redshift with our objects."""
    with Redshift(postgres, None, tmp_path_factory.mktemp("front")) as started:
        started.apply()
        yield started


def insert(warehouse, table, rows):
    with warehouse.connection.cursor() as cursor:
        execute_values(cursor, f"INSERT INTO {table} VALUES %s", rows, page_size=1000)


def fill_log(warehouse, rows, load_id=None):
    insert(warehouse, "http_log", [(cases.timestamp(time), method, path, user, load_id)
                                   for user, time, method, path in rows])


def fill(warehouse, log):
    """Put a log and its pairs in place of what is there."""
    for table in ("http_log", "campaign_reward_mapping", "sessions", "load_batch"):
        warehouse.sql(f"DELETE FROM {table}")
    fill_log(warehouse, log.rows)
    insert(warehouse, "campaign_reward_mapping", log.pairs)


def micros(time):
    return (time - EPOCH) // datetime.timedelta(microseconds=1)


def answer(rows):
    """Rows of a report as the extension's; none may be truncated."""
    assert not [row for row in rows if row[6]]
    return cases.by_user([(user, micros(start), micros(end), cases.numbers(views), cases.numbers(issues), driven)
                          for user, start, end, views, issues, driven, _ in rows])


@pytest.fixture(scope="module")
def rows(warehouse, everything):
    fill(warehouse, everything[0])
    return answer(warehouse.sql("SELECT * FROM session_report"))


class TestReport(Agreement):
    """The truth table, and the random logs."""


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query["query"])
def test_frames_and_gaps(query, warehouse, rows):  # pylint: disable=unused-argument
    """As docs/scale.md says to ask for them."""
    bounds = {name: query[name] and oracle.parse_timestamp(query[name]) for name in ("since", "until")}
    column = "session_start" if query["frame"] == "start" else '"timestamp"'
    frame = " AND ".join([f"{column} {sign} '{cases.timestamp(bounds[name] - cases.EPOCH)}'"
                          for name, sign in (("since", ">="), ("until", "<")) if bounds[name]])
    if query["frame"] == "overlap":
        frame = f"(user_id, session_start) IN (SELECT user_id, session_start FROM session_event WHERE {frame})"
    warehouse.sql(f"UPDATE report_setting SET gap_microseconds = {query['gap_microseconds']}")
    try:
        found = answer(warehouse.sql(f"SELECT * FROM session_report WHERE {frame or 'TRUE'}"))
    finally:
        warehouse.sql(f"UPDATE report_setting SET gap_microseconds = {cases.GAP}")
    log = cases.truth()
    wanted = cases.of_oracle(log, int(query["gap_microseconds"]), frame=query["frame"],
                             since=bounds["since"] or None, until=bounds["until"] or None)
    assert cases.answer_of(found, log) == wanted


@pytest.fixture(params=["sample", "random"])
def rewards(request, warehouse, extension):
    """The same rewards and transactions in both."""
    if request.param == "sample":
        case = cases.sample_rewards(request.getfixturevalue("campaigns"))
    else:
        case = cases.random_rewards()
    extension.fill_rewards(case)
    for table in ("reward_campaign", "reward_transaction"):
        warehouse.sql(f"DELETE FROM {table}")
    insert(warehouse, "reward_campaign (id, reward_name, campaign_id)", case.rewards)
    insert(warehouse, "reward_transaction", [(number, status, cases.timestamp(time), reward)
                                             for number, status, time, reward in case.transactions])
    yield case
    warehouse.sql("UPDATE report_setting SET time_zone = 'Asia/Singapore'")


@pytest.mark.parametrize("asked", cases.ENGAGEMENTS, ids=str)
def test_campaign_engagement(asked, rewards, warehouse, extension):  # pylint: disable=unused-argument
    campaign, first, last, zone = asked
    warehouse.sql(f"UPDATE report_setting SET time_zone = '{zone}'")
    found = warehouse.sql('SELECT transactions, "date", "time" FROM campaign_engagement '
                          f"WHERE campaign_id = {campaign}" + cases.days(first, last, '"date"')
                          + ' ORDER BY transactions DESC, "date", "time"')
    assert [(count, str(day), str(time)) for count, day, time in found] == extension.engagement(*asked)


@pytest.mark.parametrize("asked", cases.WEEKS, ids=str)
def test_weekly_rewards(asked, rewards, warehouse, extension):  # pylint: disable=unused-argument
    campaign, first, last, zone = asked
    warehouse.sql(f"UPDATE report_setting SET time_zone = '{zone}'")
    found = warehouse.sql("SELECT reward_name, redeemed, pct_change, week FROM weekly_rewards "
                          f"WHERE {f'campaign_id = {campaign}' if campaign else 'TRUE'}"
                          + cases.days(first, last, "week", "DATE_TRUNC('week', {})")
                          + " ORDER BY week, reward_name, reward_id")
    assert [(name, count, change, str(week)) for name, count, change, week in found] == extension.weeks(*asked)


def test_sample_of_weekly_rewards(campaigns, warehouse):
    """What the specification says of the sample."""
    case = cases.sample_rewards(campaigns)
    for table in ("reward_campaign", "reward_transaction"):
        warehouse.sql(f"DELETE FROM {table}")
    insert(warehouse, "reward_campaign (id, reward_name, campaign_id)", case.rewards)
    insert(warehouse, "reward_transaction", [(number, status, cases.timestamp(time), reward)
                                             for number, status, time, reward in case.transactions])
    found = warehouse.sql("SELECT reward_name, redeemed, pct_change, week FROM weekly_rewards ORDER BY week")
    assert found == [("My Reward", 7, None, datetime.date(2019, 8, 12)),
                     ("My Reward", 3, decimal.Decimal("-57.14"), datetime.date(2019, 8, 19))]


def load(warehouse, number, rows):
    """A load as the loader makes it: rows and ledger in one transaction."""
    warehouse.sql("BEGIN")
    fill_log(warehouse, rows, number)
    insert(warehouse, "load_batch (load_id, table_name, file_name, file_id)",
           [(number, "http_log", f"{number}.avro", str(number))])
    warehouse.sql("COMMIT")


def test_incremental_is_full(warehouse, everything):
    """Loads in any order, events late by any time, a refresh after each: always the whole report."""
    log = everything[0]
    fill(warehouse, cases.Log("none", [], log.pairs))
    rows = list(log.rows)
    random.Random(cases.SEED).shuffle(rows)
    size = len(rows) // 12 + 1
    for number in range(12):
        load(warehouse, number, rows[number * size:(number + 1) * size])
        warehouse.sql("CALL refresh_sessions()")
        assert (answer(warehouse.sql("SELECT * FROM sessions"))
                == answer(warehouse.sql("SELECT * FROM session_report")))
        assert warehouse.sql("SELECT COUNT(*) FROM load_batch WHERE NOT refreshed") == [(0,)]
        assert warehouse.sql("SELECT COUNT(*) FROM session_touched") == [(0,)]
    assert answer(warehouse.sql("SELECT * FROM sessions")) == everything[1]


def test_refresh_touches_only_what_is_new(warehouse):
    """Rows of other users, and sessions far from the new requests, are not made anew."""
    day = oracle.DAY
    fill(warehouse, cases.Log("none", [], []))
    load(warehouse, 1, [("a", 0, "GET", "/"), ("a", day, "GET", "/"), ("b", 0, "GET", "/")])
    warehouse.sql("CALL refresh_sessions()")
    warehouse.sql("UPDATE sessions SET truncated = TRUE")
    load(warehouse, 2, [("a", day + 60_000_000, "GET", "/campaigns/1"), ("c", 0, "GET", "/")])
    warehouse.sql("CALL refresh_sessions()")
    found = warehouse.sql("SELECT user_id, campaigns, truncated FROM sessions ORDER BY 1, session_start")
    assert found == [("a", "[]", True), ("a", "[1]", False), ("b", "[]", True), ("c", "[]", False)]
    warehouse.sql("CALL refresh_sessions()")
    assert found == warehouse.sql("SELECT user_id, campaigns, truncated FROM sessions ORDER BY 1, session_start")


def test_another_gap_builds_the_sessions_anew(warehouse):
    fill(warehouse, cases.Log("none", [], []))
    load(warehouse, 1, [("a", 0, "GET", "/"), ("a", 60_000_000, "GET", "/")])
    warehouse.sql("CALL refresh_sessions()")
    assert warehouse.sql("SELECT COUNT(*) FROM sessions") == [(1,)]
    warehouse.sql("UPDATE report_setting SET gap_microseconds = 60000000")
    try:
        warehouse.sql("CALL refresh_sessions()")
        assert warehouse.sql("SELECT COUNT(*) FROM sessions") == [(2,)]
    finally:
        warehouse.sql(f"UPDATE report_setting SET gap_microseconds = {cases.GAP}")
        warehouse.sql("CALL refresh_sessions()")
    assert warehouse.sql("SELECT COUNT(*) FROM sessions") == [(1,)]


def test_user_of_a_million_events(warehouse):
    """A list that LISTAGG cannot hold is NULL, its items are there; the others' rows stay as they are."""
    fill(warehouse, cases.Log("none", [("a", 0, "GET", "/campaigns/1"), ("a", 1, "POST", "/rewards/2")], [(1, 2)]))
    # Half of the requests are views of as many campaigns, half are issues of three rewards.
    digits = " CROSS JOIN ".join(f"(SELECT 0 AS n UNION ALL SELECT {' UNION ALL SELECT '.join('123456789')}) AS d{k}"
                                 for k in range(6))
    number = " + ".join(f"{10**k} * d{k}.n" for k in range(6))
    warehouse.sql(f"""INSERT INTO http_log
        SELECT DATEADD(second, i, TIMESTAMP '2024-01-01'), CASE WHEN i % 2 = 0 THEN 'GET' ELSE 'POST' END,
               CASE WHEN i % 2 = 0 THEN '/campaigns/' || i ELSE '/rewards/' || i % 3 END, 'robot', NULL
        FROM (SELECT {number} AS i FROM {digits}) AS numbers""")
    found = warehouse.sql("SELECT user_id, campaigns, rewards_issued, reward_driven_by_campaign_view, truncated "
                          "FROM session_report ORDER BY user_id")
    assert found == [("a", "[1]", "[2]", True, False), ("robot", None, "[1,0,2]", False, True)]
    assert warehouse.sql("SELECT COUNT(*), SUM(events) FROM session_items WHERE user_id = 'robot' "
                         "AND kind = 'view'") == [(500000, 500000)]
    warehouse.sql("DELETE FROM http_log")


def test_longest_list(warehouse):
    """65,535 bytes, brackets included, is a list; a byte more is none."""
    ids = [10**18 + n for n in range(3276)] + [12]
    assert len(",".join(map(str, ids))) + 2 == 65524
    for extra, fits in (((1234567890,), True), ((12345678901,), False)):
        fill(warehouse, cases.Log("long", [("u", n, "GET", f"/campaigns/{one}")
                                           for n, one in enumerate((*ids, *extra))], []))
        found, = warehouse.sql("SELECT campaigns, truncated FROM session_report")
        assert found[1] is not fits
        assert (found[0] is not None) is fits
        if fits:
            assert len(found[0]) == 65535
            assert cases.numbers(found[0]) == [*ids, *extra]


def test_listagg_without_care_fails(warehouse):
    """What the limit is there for: one long list would end everybody's query."""
    fill(warehouse, cases.Log("long", [("u", n, "GET", f"/campaigns/{10**18 + n}") for n in range(4000)], []))
    with pytest.raises(psycopg2.errors.ProgramLimitExceeded, match="Result size exceeds LISTAGG limit"):
        warehouse.sql("SELECT LISTAGG(id, ',') WITHIN GROUP (ORDER BY id) FROM session_items")
