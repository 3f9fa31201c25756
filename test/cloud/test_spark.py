# test/cloud/test_spark.py - sql/spark gives the rows of the extension
"""On PySpark itself, the log as Avro files that spark-avro reads."""

import random
import shutil

import pytest

import cases
import oracle
from agreement import Agreement
from conftest import Directory

pytest.importorskip("pyspark", reason="pyspark is not there")
import spark_warehouse  # noqa: E402

QUERIES = list(oracle.read_csv(cases.TRUTH / "queries.csv"))
REPORT = ("SELECT user_id, UNIX_MICROS(session_start), UNIX_MICROS(session_end), campaigns, rewards_issued, "
          "reward_driven_by_campaign_view FROM {}")
SECOND = oracle.SECOND


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    if not spark_warehouse.JAR.exists():
        pytest.skip("spark-avro is not there: scripts/maven-jar says why")
    if shutil.which("java") is None:
        pytest.skip("java is not there")
    started = spark_warehouse.start(tmp_path_factory.mktemp("spark", numbered=True))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("logs", numbered=True)


@pytest.fixture(scope="module")
def warehouse(session, folder, everything):
    """The truth table and the random logs."""
    made = spark_warehouse.Warehouse(session, folder, "everything")
    made.add(everything[0].rows)
    made.put("campaign_reward_mapping", everything[0].pairs, "campaign_id BIGINT, reward_id BIGINT")
    return made


def use(warehouse):
    """The current database, and the views with the one they are in, are of the session: another test may have
    changed them."""
    warehouse.session.sql(f"USE {warehouse.log.name}")
    for name in spark_warehouse.VIEWS:
        warehouse.run(name)
    return warehouse


def answer(rows):
    return cases.by_user([(user, start, end, list(views), list(issues), driven)
                          for user, start, end, views, issues, driven in rows])


@pytest.fixture(scope="module")
def rows(warehouse):
    return answer(use(warehouse).rows(REPORT.format("session_report")))


class TestReport(Agreement):
    """The truth table, and the random logs."""


@pytest.mark.parametrize("gap", sorted({int(query["gap_microseconds"]) for query in QUERIES}))
def test_frames_and_gaps(gap, warehouse):
    """As docs/scale.md says to ask for them; those of one gap share a report and its events."""
    use(warehouse).put("report_setting", [(gap, "UTC")], "gap_microseconds BIGINT, time_zone STRING")
    for name in ("session_report", "session_event"):
        warehouse.session.sql(f"CACHE TABLE cached_{name} AS SELECT * FROM {name}")
    log = cases.truth()
    parts, wanted = [], {}
    for query in QUERIES:
        if int(query["gap_microseconds"]) != gap:
            continue
        bounds = {name: query[name] and oracle.parse_timestamp(query[name]) for name in ("since", "until")}
        column = "session_start" if query["frame"] == "start" else "timestamp"
        frame = " AND ".join(["TRUE"] + [f"{column} {sign} TIMESTAMP_MICROS({bounds[name] - cases.EPOCH})"
                                         for name, sign in (("since", ">="), ("until", "<")) if bounds[name]])
        if query["frame"] == "overlap":
            frame = ("(user_id, session_start) IN (SELECT user_id, session_start FROM cached_session_event "
                     f"WHERE {frame})")
        parts.append(REPORT.format("cached_session_report").replace("SELECT", f"SELECT '{query['query']}',", 1)
                     + f" WHERE {frame}")
        wanted[query["query"]] = cases.of_oracle(log, gap, frame=query["frame"], since=bounds["since"] or None,
                                                 until=bounds["until"] or None)
    found = warehouse.rows(" UNION ALL ".join(parts))
    for name in ("session_report", "session_event"):
        warehouse.session.sql(f"UNCACHE TABLE cached_{name}")
        warehouse.session.catalog.dropTempView(f"cached_{name}")
    warehouse.put("report_setting", [(cases.GAP, "UTC")], "gap_microseconds BIGINT, time_zone STRING")
    for name, rows_wanted in wanted.items():
        rows_found = answer([row[1:] for row in found if row[0] == name])
        assert cases.answer_of(rows_found, log) == rows_wanted, name


def test_real_log(session, folder, campaigns, extension, tmp_path):
    """From the text log to the report, by the Avro file that our encoder writes."""
    log = cases.real(campaigns)
    warehouse = spark_warehouse.Warehouse(session, folder, "real")
    Directory(tmp_path).run_ok("encode", "-o", warehouse.log / "log.avro", campaigns / "http_log.txt")
    session.sql("REFRESH TABLE http_log")
    warehouse.put("campaign_reward_mapping", log.pairs, "campaign_id BIGINT, reward_id BIGINT")
    found = answer(warehouse.rows(REPORT.format("session_report")))
    assert found == extension.report(log)
    assert (len(found), sum(row[5] for row in found)) == (7377, 340)


def test_incremental_is_full(session, folder, everything):
    """Files in any order, events late by any time, a refresh after each: always the whole report."""
    log = everything[0]
    warehouse = spark_warehouse.Warehouse(session, folder, "incremental")
    warehouse.put("campaign_reward_mapping", log.pairs, "campaign_id BIGINT, reward_id BIGINT")
    rows = list(log.rows)
    random.Random(cases.SEED).shuffle(rows)
    loads = 8 if cases.SOAK else 2
    size = len(rows) // loads + 1
    for number in range(loads):
        warehouse.add(rows[number * size:(number + 1) * size])
        warehouse.run("refresh_sessions")
    assert answer(warehouse.rows(REPORT.format("sessions"))) == everything[1]
    assert warehouse.rows("SELECT COUNT(*), COUNT(DISTINCT file_name) FROM load_batch") == [(loads, loads)]
    # Nothing new: nothing happens. Broken off before the ledger: done again, to the same end.
    warehouse.run("refresh_sessions")
    assert warehouse.rows("SELECT COUNT(*) FROM session_fresh") == [(0,)]
    warehouse.put("load_batch", [], "file_name STRING, gap_microseconds BIGINT, refreshed_at TIMESTAMP")
    warehouse.run("refresh_sessions")
    assert answer(warehouse.rows(REPORT.format("sessions"))) == everything[1]


def test_refresh_touches_only_what_is_new(session, folder):
    """Sessions far from the new requests, and other users, are not made anew; another gap makes all anew."""
    warehouse = spark_warehouse.Warehouse(session, folder, "touched")
    warehouse.add([("a", 0, "GET", "/"), ("a", oracle.DAY, "GET", "/"), ("b", 0, "GET", "/")])
    warehouse.run("refresh_sessions")
    warehouse.add([("a", oracle.DAY + 60 * SECOND, "GET", "/campaigns/1"), ("c", 0, "GET", "/")])
    warehouse.run("refresh_sessions")
    touched = "SELECT user_id, UNIX_MICROS(first_at), UNIX_MICROS(last_at) FROM session_touched ORDER BY 1"
    assert warehouse.rows(touched) == [("a", oracle.DAY, oracle.DAY + 60 * SECOND), ("c", 0, 0)]
    sessions = "SELECT user_id, UNIX_MICROS(session_start), campaigns FROM sessions ORDER BY 1, 2"
    assert warehouse.rows(sessions) == [("a", 0, []), ("a", oracle.DAY, [1]), ("b", 0, []), ("c", 0, [])]
    warehouse.put("report_setting", [(60 * SECOND, "UTC")], "gap_microseconds BIGINT, time_zone STRING")
    warehouse.run("refresh_sessions")
    assert warehouse.rows(sessions) == [("a", 0, []), ("a", oracle.DAY, []), ("a", oracle.DAY + 60 * SECOND, [1]),
                                        ("b", 0, []), ("c", 0, [])]


@pytest.mark.parametrize("name", ["sample", "random"])
def test_rewards(name, warehouse, extension, request):
    """Use cases 1 and 2."""
    use(warehouse)
    case = (cases.sample_rewards(request.getfixturevalue("campaigns")) if name == "sample"
            else cases.random_rewards())
    extension.fill_rewards(case)
    warehouse.put("reward_campaign", [(number, title, None, campaign) for number, title, campaign in case.rewards],
                  "id BIGINT, reward_name STRING, updated_at TIMESTAMP, campaign_id BIGINT")
    warehouse.put("reward_transaction", case.transactions, "id BIGINT, status STRING, micros BIGINT, reward BIGINT",
                  "id, status, TIMESTAMP_MICROS(micros), reward")
    zones = sorted({zone for *_, zone in cases.ENGAGEMENTS + cases.WEEKS})
    for zone in zones:
        warehouse.put("report_setting", [(cases.GAP, zone)], "gap_microseconds BIGINT, time_zone STRING")
        for asked in [one for one in cases.ENGAGEMENTS if one[3] == zone]:
            campaign, first, last, _ = asked
            found = warehouse.rows("SELECT transactions, CAST(date AS STRING), time FROM campaign_engagement "
                                   f"WHERE campaign_id = {campaign}" + cases.days(first, last, "date")
                                   + " ORDER BY transactions DESC, date, time")
            assert found == extension.engagement(*asked), asked
        for asked in [one for one in cases.WEEKS if one[3] == zone]:
            campaign, first, last, _ = asked
            found = warehouse.rows("SELECT reward_name, redeemed, pct_change, CAST(week AS STRING) FROM weekly_rewards "
                                   f"WHERE {f'campaign_id = {campaign}' if campaign else 'TRUE'}"
                                   + cases.days(first, last, "week", "DATE_TRUNC('week', {})")
                                   + " ORDER BY week, reward_name, reward_id")
            assert found == extension.weeks(*asked), asked
