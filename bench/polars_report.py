# bench/polars_report.py - the session report in polars: sorted by user and time, the breaks
# numbered by a running sum, lists and driven from the distinct ids of each session.
import polars as pl

GAP = 300  # seconds


def load(directory):
    """Both tables as data frames in memory."""
    log = pl.read_csv(
        f"{directory}/http_log.csv", try_parse_dates=True, schema_overrides={"user_id": pl.String}
    )
    return log, pl.read_csv(f"{directory}/campaign_reward_mapping.csv")


def events(log):
    """The log as events: user, seconds, kind (1 view, 2 issue, 0 other) and id."""
    path = pl.col("http_path")
    kind = (
        pl.when((pl.col("http_method") == "GET") & path.str.starts_with("/campaigns/"))
        .then(1)
        .when((pl.col("http_method") == "POST") & path.str.starts_with("/rewards/"))
        .then(2)
        .otherwise(0)
        .cast(pl.Int8)
    )
    number = path.str.split("/").list.last().cast(pl.Int64, strict=False)
    return log.lazy().select(
        "user_id",
        pl.col("timestamp").dt.epoch("s").alias("ts"),
        kind.alias("kind"),
        pl.when(kind > 0).then(number).otherwise(0).alias("id"),
    )


def run(log, mapping):
    """The numbers that every engine's report is reduced to."""
    same_user = pl.col("user_id") == pl.col("user_id").shift()
    joined = same_user & (pl.col("ts") - pl.col("ts").shift() < GAP)
    numbered = (
        events(log)
        .sort("user_id", "ts", "kind", "id")
        .with_columns((~joined).fill_null(True).cum_sum().alias("session"))
        .collect()
        .lazy()
    )
    seen = numbered.filter(pl.col("kind") > 0).group_by("session", "kind", "id")
    seen = seen.agg(pl.col("ts").min().alias("first"), pl.col("ts").max().alias("last")).collect()
    views = seen.lazy().filter(pl.col("kind") == 1)
    issues = seen.lazy().filter(pl.col("kind") == 2)
    driven = (
        views.join(mapping.lazy(), left_on="id", right_on="campaign_id")
        .join(issues, left_on=["session", "reward_id"], right_on=["session", "id"])
        .filter(pl.col("first") < pl.col("last_right"))
        .select(pl.col("session").unique(), driven=True)
    )
    ids = pl.col("id")
    report = (
        numbered.group_by("session", maintain_order=True)
        .agg(
            pl.col("ts").first().alias("session_start"),
            pl.col("ts").last().alias("session_end"),
            ids.filter(pl.col("kind") == 1).unique(maintain_order=True).alias("campaigns"),
            ids.filter(pl.col("kind") == 2).unique(maintain_order=True).alias("rewards_issued"),
        )
        .join(driven, on="session", how="left")
    )
    return tuple(
        int(value)
        for value in report.select(
            pl.len().alias("sessions"),
            pl.col("driven").sum(),
            pl.col("session_start").sum(),
            pl.col("session_end").sum(),
            pl.col("campaigns").list.len().sum(),
            pl.col("rewards_issued").list.len().sum(),
            pl.col("campaigns").list.first().sum().alias("first_campaigns"),
            pl.col("rewards_issued").list.first().sum().alias("first_rewards"),
        )
        .collect()
        .row(0)
    )
