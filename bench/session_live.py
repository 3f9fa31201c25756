# bench/session_live.py - stored states: their size, and what a refresh costs after a load
# that touches some of the users, beside the full build.
import subprocess
import tempfile
from pathlib import Path

from common import EVENTS, RUNS, database, print_table, seconds, settings
from statistics import median

SHARES = (0.003, 0.03, 0.3)
EVENTS_OF_A_USER = 12


def build(server):
    """Build the states from nothing."""
    server.execute("TRUNCATE session_state")
    return seconds(lambda: server.execute("SELECT refresh_sessions(rebuild => true)"))


def load_events(server, directory, name, share, when):
    """Load new events of so many of the users, by the command line."""
    users = [
        user
        for (user,) in server.execute(
            "SELECT user_id FROM session_state ORDER BY md5(user_id || %s) LIMIT"
            " (SELECT ceil(count(*) * %s) FROM session_state)",
            (name, share),
        )
    ]
    log = Path(directory, f"{name}.txt")
    with open(log, "w", encoding="ascii") as out:
        for step in range(EVENTS_OF_A_USER):
            for user in users:
                out.write(f"{when}T10:{step:02}:00Z GET /campaigns/{1 + step * 7} {user}\n")
    subprocess.run(["clickstream", "encode", "-o", f"{log}.avro", log], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["clickstream", "load", "-t", "http_log", f"{log}.avro"], check=True, stderr=subprocess.DEVNULL)
    return len(users)


def refreshes(server, full):
    """Refresh after loads of growing shares of the users; then weeks-late events."""
    days = {"new": "2024-02-01", "late": "2024-01-04"}
    with tempfile.TemporaryDirectory() as directory:
        for kind, share in [*(("new", share) for share in SHARES), ("late", SHARES[0])]:
            times = []
            for run in range(RUNS):
                name = f"{kind}{share}-{run}"
                users = load_events(server, directory, name, share, days[kind])
                times.append(seconds(lambda: server.execute("SELECT refresh_sessions()")))
            part = median(times) / full
            yield (
                f"{kind} events of {share:.1%} of the users",
                f"{users * EVENTS_OF_A_USER:,}",
                f"{median(times):.3f}",
                f"{part:.1%}",
                f"{part / share:.2f}",
            )


def main():
    with database(EVENTS) as server:
        settings(server, 2)
        full = median(build(server) for _ in range(RUNS))
        server.execute("VACUUM ANALYZE session_state")
        sizes = server.execute(
            "SELECT pg_table_size('session_state'), pg_table_size('http_log'), count(*) FROM session_state"
        ).fetchone()
        print_table(
            f"Stored states: {EVENTS:,} events, {sizes[2]:,} users",
            ("table", "MB", "bytes an event", "ratio"),
            (
                (name, f"{size / 1e6:,.0f}", f"{size / EVENTS:.1f}", f"1/{sizes[1] / size:.1f}")
                for name, size in (("http_log", sizes[1]), ("session_state", sizes[0]))
            ),
        )
        print_table(
            f"refresh_sessions(): full build {full:.2f} s, 2 workers, median of {RUNS}",
            ("after a load of", "events", "seconds", "of full build", "of share"),
            refreshes(server, full),
        )


if __name__ == "__main__":
    main()
