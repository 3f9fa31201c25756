# test/cloud/cases.py - the logs that every dialect is asked about, and what it must answer
"""A log is rows (user_id, time, http_method, http_path), times in microseconds since 1970; its
answer is rows (user_id, start, end, campaigns, rewards, driven), lists as lists, in order of user
and start. The answer is the extension's, and the oracle's, which must not differ."""

import dataclasses
import decimal
import random
import subprocess

import oracle
from conftest import PROGRAM, ROOT, SEED, SOAK

TRUTH = ROOT / "test" / "truth"
EPOCH = oracle.parse_timestamp("1970-01-01T00:00:00Z")
GAP = 300_000_000
LOGS = 20
# So far apart that no two random logs share a campaign or reward.
IDS = 1000


@dataclasses.dataclass
class Log:
    """Requests, and the pairs of campaign and reward, in which None may stand."""

    name: str
    rows: list
    pairs: list

    def __add__(self, other):
        return Log(f"{self.name}+{other.name}", self.rows + other.rows, self.pairs + other.pairs)


def truth():
    """The truth table."""
    rows = [(row["user_id"], row["timestamp"] and oracle.parse_timestamp(row["timestamp"]) - EPOCH,
             row["http_method"], row["http_path"]) for row in oracle.read_csv(TRUTH / "events.csv")]
    pairs = [tuple(cell and int(cell) for cell in (row["campaign_id"], row["reward_id"]))
             for row in oracle.read_csv(TRUTH / "mapping.csv")]
    return Log("truth", rows, pairs)


def real(folder):
    """The real log."""
    rows = [(user, time - EPOCH, method, path)
            for user, time, method, path in oracle.read_log(str(folder / "http_log.txt"))]
    pairs = sorted(oracle.read_mapping(str(folder / "campaign_reward_mapping.csv")))
    return Log("real", rows, pairs)


def random_path(chance, first):
    """A request: mostly views and issues of a few ids, some of what only looks like one."""
    number = first + chance.randrange(8)
    tail = chance.choice(["", "", "", "/", "?a=1", "/#top", "//", "/x", " ", "\n"])
    return chance.choice([
        ("GET", f"/campaigns/{number}{tail}"), ("GET", f"/campaigns/{number}"),
        ("GET", f"/campaigns/000{number}"), ("POST", f"/rewards/{number}{tail}"),
        ("POST", f"/rewards/{number}"), ("POST", f"/campaigns/{number}"), ("GET", f"/rewards/{number}"),
        ("get", f"/campaigns/{number}"), ("GET", "/"), (None, f"/campaigns/{number}"), ("GET", None)])


def random_log(number, users=12, visits=30):
    """A log with ties, exact gaps and a microsecond either side, repeats, NULLs, in any order."""
    chance = random.Random(SEED * 1000 + number)
    steps = [0, 0, 0, 1, GAP - 1, GAP, GAP, GAP + 1, GAP // 2, 60_000_000, 1_000_000, 4 * GAP]
    rows = []
    for user in range(users):
        time = 1_700_000_000_000_000 + chance.randrange(10**12)
        for _ in range(chance.randrange(1, visits)):
            time += chance.choice(steps)
            rows.append((f"{number}_{user}", time, *random_path(chance, IDS * number)))
    rows += chance.sample(rows, len(rows) // 10)
    rows += [(None, *rows[0][1:]), (rows[0][0], None, *rows[0][2:]), (f"{number}_nobody", None, "GET", "/")]
    chance.shuffle(rows)
    pairs = [(IDS * number + chance.randrange(8), IDS * number + chance.randrange(8)) for _ in range(12)]
    return Log(f"random {number}", rows, pairs + [pairs[0], (IDS * number, None), (None, IDS * number)])


def random_logs():
    return [random_log(number) for number in range(1, LOGS + 1)]


@dataclasses.dataclass
class Rewards:
    """Rewards (id, name, campaign_id), and transactions (id, status, time, reward's id)."""

    name: str
    rewards: list
    transactions: list


def sample_rewards(folder):
    """Those of the sample."""
    return Rewards(
        "sample",
        [(int(row["id"]), row["reward_name"], int(row["campaign_id"]))
         for row in oracle.read_csv(folder / "reward_campaign.csv")],
        [(int(row["id"]), row["status"],
          oracle.parse_timestamp(row["updated_at"].replace(" UTC", "Z").replace(" ", "T")) - EPOCH,
          int(row["reward_campaign_id"])) for row in oracle.read_csv(folder / "reward_transaction.csv")])


def random_rewards():
    """Weeks with and without, around midnight and the end of a year, two rewards of one name."""
    chance = random.Random(SEED)
    rewards = [(1, "Cup", 1), (2, "Cup", 1), (3, "Mug", 2), (4, "Never", 2), (5, "Once", 3)]
    start = oracle.parse_timestamp("2024-11-17T16:00:00Z") - EPOCH
    transactions = []
    for number in range(1, 400):
        time = start + chance.randrange(10) * 7 * oracle.DAY + chance.choice(
            [0, -1, 1, oracle.DAY, chance.randrange(7 * oracle.DAY), chance.randrange(7 * oracle.DAY)])
        status = chance.choice(["redeemed", "redeemed", "redeemed", "issued", None])
        transactions.append((number, status, time, chance.choice([1, 1, 1, 2, 3, 99])))
    transactions += [(1001, "redeemed", None, 1), (1002, "redeemed", start, 5),
                     (1003, "redeemed", start - 30 * 7 * oracle.DAY, 3)]
    return Rewards("random", rewards, transactions)


# Of use case 1 and 2: a campaign, days first and last, a time zone; NULL is no bound.
ENGAGEMENTS = [(1, "2019-08-01", "2019-08-31", "Asia/Singapore"), (1, "2019-08-18", "2019-08-19", "UTC"),
               (1, "2024-12-01", "2024-12-31", "Asia/Singapore"), (2, None, None, "America/New_York"),
               (9, None, None, "Asia/Singapore")]
WEEKS = [(None, None, None, "Asia/Singapore"), (1, "2019-08-14", "2019-08-31", "Asia/Singapore"),
         (2, "2024-12-04", "2025-01-07", "Asia/Singapore"), (None, "2024-12-01", "2024-12-31", "America/New_York"),
         (None, None, "2024-11-20", "UTC")]


def of_oracle(log, gap=GAP, **frame):
    """The answer by the oracle."""
    rows = ((user, time and time + EPOCH, method, path) for user, time, method, path in log.rows)
    pairs = {pair for pair in log.pairs if None not in pair}
    return [(user, one.start - EPOCH, one.end - EPOCH, one.campaigns, one.rewards, one.driven)
            for user, one in oracle.session_report(rows, pairs, gap, **frame)]


def escaped(value):
    """A field of COPY's text form."""
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")


def copy_text(rows):
    return "".join("\t".join(map(escaped, row)) + "\n" for row in rows)


class Extension:
    """The reference: a database with the extension and its reports."""

    def __init__(self, postgres):
        self.postgres = postgres
        postgres.sql("CREATE DATABASE reference")
        self.environment = {**postgres.environment, "PGDATABASE": "reference"}
        subprocess.run([PROGRAM, "init"], env=self.environment, check=True, capture_output=True)

    def sql(self, text, data=None):
        """Run SQL; its rows as lists of text, NULL as None."""
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-F", "\t", "-R", "\x1e", "-P", "null=\\N", "-v", "ON_ERROR_STOP=1",
             "-c", text], env=self.environment, input=data, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        body = done.stdout.removesuffix("\n")
        return [[None if cell == "\\N" else cell for cell in line.split("\t")]
                for line in body.split("\x1e")] if body else []

    def report(self, log, gap=GAP):
        """The answer by the extension; the oracle agrees."""
        self.sql("TRUNCATE http_log, campaign_reward_mapping; CREATE TABLE IF NOT EXISTS raw "
                 "(user_id text, micros bigint, http_method text, http_path text); TRUNCATE raw")
        self.sql("COPY raw FROM STDIN", copy_text(log.rows))
        self.sql("COPY campaign_reward_mapping FROM STDIN", copy_text(log.pairs))
        self.sql("INSERT INTO http_log SELECT timestamptz 'epoch' + micros / 1000000 * interval '1 s' "
                 "+ micros % 1000000 * interval '1 us', http_method, http_path, user_id FROM raw")
        micros = "(extract(epoch FROM {}) * 1000000)::bigint"
        rows = self.sql(
            f"SELECT user_id, {micros.format('session_start')}, {micros.format('session_end')}, campaigns, "
            f"rewards_issued, reward_driven_by_campaign_view FROM session_report(gap => interval '{gap} us') "
            "ORDER BY user_id COLLATE \"C\", session_start")
        answer = [(user, int(start), int(end), numbers(views), numbers(issues), driven == "t")
                  for user, start, end, views, issues, driven in rows]
        assert answer == of_oracle(log, gap)
        return answer

    def fill_rewards(self, case):
        self.sql("TRUNCATE reward_campaign, reward_transaction")
        self.sql("COPY reward_campaign (id, reward_name, campaign_id) FROM STDIN", copy_text(case.rewards))
        self.sql("COPY reward_transaction FROM STDIN", copy_text(
            (number, status, timestamp(time), reward) for number, status, time, reward in case.transactions))

    def engagement(self, campaign, first, last, zone):
        """Use case 1: rows (transactions, date, time)."""
        return [(int(count), day, time) for count, day, time in self.sql(
            f"SELECT transactions, date, time FROM campaign_engagement({campaign}, {quoted(first)}, "
            f"{quoted(last)}, {quoted(zone)})")]

    def weeks(self, campaign, first, last, zone):
        """Use case 2: rows (reward_name, redeemed, pct_change, week)."""
        return [(name, int(count), change and decimal.Decimal(change), week) for name, count, change, week
                in self.sql(f"SELECT * FROM weekly_rewards({quoted(campaign)}, {quoted(first)}, "
                            f"{quoted(last)}, {quoted(zone)})")]


def timestamp(micros):
    """A time as SQL's text, without a zone."""
    return micros is not None and oracle.format_timestamp(micros + EPOCH)[:-6].replace("T", " ") or None


def quoted(value):
    """A value as a literal that all dialects take."""
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def days(first, last, column, start="{}"):
    """A condition on days that is what first_day and last_day are to the extension's functions."""
    parts = [f"{column} >= {start.format(f'DATE {quoted(first)}')}"] if first else []
    parts += [f"{column} <= DATE {quoted(last)}"] if last else []
    return "".join(f" AND {part}" for part in parts)


def numbers(text):
    """A list of ids as PostgreSQL or JSON writes it."""
    inside = text.strip("{}[]")
    return [int(part) for part in inside.split(",")] if inside else []


def by_user(rows):
    """In the order of the answer."""
    return sorted(rows, key=lambda row: (row[0].encode(), row[1]))


def answer_of(rows, log):
    """The part of a combined answer that belongs to one of the logs."""
    users = {row[0] for row in log.rows}
    return [row for row in rows if row[0] in users]
