#!/usr/bin/env python3
"""data/generate.py: writes the files of this folder, always the same ones.

An invented coffee loyalty programme over three weeks: members open the app,
look at campaigns and take rewards. And an invented film club, whose viewers
rate films, in the form of MovieLens's files. With --check it writes nothing,
and fails where a file is not what it would write.
"""

import csv
import io
import pathlib
import random
import sys
from datetime import datetime, timedelta, timezone

FOLDER = pathlib.Path(__file__).resolve().parent
SINGAPORE = timezone(timedelta(hours=8))
START = datetime(2024, 3, 4, tzinfo=SINGAPORE)  # a Monday
CREATED = datetime(2024, 2, 26, 1, 30, tzinfo=timezone.utc)
DAYS = 21
MEMBERS = 180

# id: name, status, how much it is looked at in each of the three weeks
CAMPAIGNS = {
    1: ("Welcome Cup", "active", (6, 6, 6)),
    2: ("Weekday Mornings", "active", (9, 8, 10)),
    3: ("Happy Hour", "active", (5, 9, 4)),
    4: ("Weekend Brunch", "active", (4, 5, 5)),
    5: ("Lunar Spring Farewell", "inactive", (7, 0, 0)),
    6: ("Oat Milk Month", "active", (3, 5, 8)),
    7: ("Bring a Friend", "active", (5, 4, 4)),
    8: ("Refill Club", "active", (3, 3, 3)),
    9: ("Student Week", "active", (0, 12, 2)),
    10: ("Rainy Day Treats", "active", (4, 0, 5)),
    11: ("Double Stars", "active", (6, 7, 9)),
    12: ("Beans to Go", "active", (2, 2, 3)),
    13: ("Cold Brew Launch", "active", (0, 6, 12)),
    14: ("Birthday Month", "active", (2, 2, 2)),
    15: ("Kopi Classics", "active", (4, 4, 3)),
    16: ("Late Night Study", "active", (1, 3, 2)),
    17: ("Green Cup Day", "active", (0, 0, 7)),
    18: ("Office Orders", "active", (2, 2, 1)),
    19: ("Mystery Pastry", "active", (3, 2, 2)),
    20: ("Last Year's Thanks", "inactive", (0, 0, 0)),
}

# id: name, its own campaign, other campaigns that offer it too
REWARDS = {
    101: ("Free First Coffee", 1, ()),
    102: ("Welcome Muffin", 1, (7,)),
    103: ("Free Flat White", 2, (11,)),
    104: ("Half-Price Long Black", 2, (15,)),
    105: ("Butter Croissant", 2, (4, 19)),
    106: ("Two-for-One Latte", 3, (7, 9)),
    107: ("Iced Tea Upgrade", 3, ()),
    108: ("Brunch Platter for Two", 4, (7,)),
    109: ("Sparkling Juice", 4, ()),
    110: ("Plum Blossom Latte", 5, ()),
    111: ("Golden Bun", 5, (19,)),
    112: ("Free Oat Upgrade", 6, (2, 11, 17)),
    113: ("Oat Cortado", 6, ()),
    114: ("Coffee for a Friend", 7, ()),
    115: ("Any Refill", 8, (16,)),
    116: ("Free Flat White", 9, ()),
    117: ("Study Snack Box", 9, (16,)),
    118: ("Hot Chocolate, Large", 10, (16,)),
    119: ("Umbrella Sleeve", 10, ()),
    120: ("50 Extra Stars", 11, (14, 8)),
    121: ("Star Saver Espresso", 11, (3,)),
    122: ("250 g House Beans", 12, ()),
    123: ("Cold Brew Taster", 13, (9,)),
    124: ("Cold Brew Bottle", 13, ()),
    125: ("Birthday Cake Slice", 14, ()),
    126: ("Kopi and Kaya Toast", 15, (2,)),
    127: ("Midnight Mocha", 16, ()),
    128: ("Planted Cup", 17, ()),
    129: ("Meeting Box Discount", 18, ()),
    130: ("Mystery Pastry", 19, ()),
}

# Visits per hour of the day: breakfast, lunch, after work
HOURS = (1, 0, 0, 0, 0, 1, 4, 12, 16, 9, 6, 7, 13, 12, 6, 5, 6, 9, 14, 10, 6, 5, 4, 2)

OTHER_PATHS = (
    (20, "GET", "/"),
    (14, "GET", "/menu"),
    (6, "GET", "/menu/flat-white?size=large"),
    (5, "GET", "/menu/search?q=oat+latte"),
    (8, "GET", "/campaigns"),
    (6, "GET", "/rewards"),
    (5, "GET", "/stores?near=1.3048,103.8318"),
    (5, "GET", "/profile"),
    (4, "POST", "/orders"),
    (3, "PUT", "/cart/items/2"),
    (2, "GET", "/campaigns/11/terms"),
    (2, "HEAD", "/campaigns/3"),
    (2, "GET", "/rewards/112"),
    (1, "DELETE", "/cart"),
)

# What a visit is for: v a view, r a reward that the last view offers, x any reward, o anything else
VISITS = (
    (22, "oo"), (10, "ooo"), (9, "o"), (14, "ov"), (12, "ovov"), (6, "vvv"), (5, "v"),
    (10, "ovr"), (6, "ovvor"), (4, "vorvr"), (6, "ox"), (4, "x"), (4, "oxv"), (3, "ovx"),
)

VIEWERS = 240

# Films by genre, the best known first
FILMS = {
    "Crime": (
        "The Ledger Thief (1994)", "Two Alibis (1988)", "A Clerk at Midnight (1997)", "Harbour of Knives (1979)",
        "The Fourth Witness (1999)", "Cold Receipt (1991)", "Inspector Teo's Holiday (1985)", "Glass Warehouse (1996)",
        "The Quiet Fence (1972)", "Nobody Signed (1993)"),
    "Comedy": (
        "Cousins in the Kitchen (1998)", "My Landlord's Parrot (1990)", "The Wrong Wedding Band (1995)",
        "Tuesday Again, Again (1999)", "Office Plant (1997)", "Uncle Bo Learns to Swim (1987)", "Half a Ticket (1983)",
        "The Mayor's Moustache (1976)", "Three Spoons (1992)", "Late for Lunch (2000)"),
    "Romance": (
        "Letters to the Lighthouse Keeper (1993)", "A Platform in Rain (1996)", "The Piano Upstairs (1984)",
        "Marta and the Tide (1999)", "Autumn in Penang (1989)", "The Second Umbrella (1995)", "Salt on the Sill (1978)",
        "One Summer's Postage (1991)", "The Baker's Window (2000)", "Return by Ferry (1969)"),
    "Space": (
        "Orbit of Ash (1999)", "The Last Dockhand of Ceres (1995)", "Signal Nine (1986)", "Gravity's Orphans (1997)",
        "Moon Below (1979)", "The Long Airlock (1991)", "Captain Without a Ship (1998)", "Red Dust Choir (1983)",
        "Second Sun (2000)", "Rust Belt of Saturn (1993)"),
    "Documentary": (
        "Salt, a Life (1998)", "The Map Makers (1989)", "Ten Thousand Bees (1996)", "Rooms of the Night Train (1994)",
        "How Bridges Sleep (1999)", "Ink (1981)", "The River's Accountants (1992)", "Bread in Nine Cities (1997)",
        "Under the Market (1986)", "Wind, Measured (2000)"),
    "Animation": (
        "Pip and the Paper Whale (1997)", "The Button Kingdom (1992)", "Mole Goes to Sea (1988)", "Lanterns (1999)",
        "The Clockwork Goose (1995)", "Snow for Kiko (1990)", "A Hat Full of Frogs (1984)",
        "Twelve Tiny Dragons (1998)", "The Sleepy Comet (2000)", "Grandmother Thread (1977)"),
}


class Draw:
    """Draws only on random.random(), which is the same in every Python."""

    def __init__(self, seed):
        self.random = random.Random(seed).random

    def between(self, low, high):
        return low + int(self.random() * (high - low + 1))

    def weighted(self, choices):
        """Pick one of (weight, value, ...) by weight."""
        mark = self.random() * sum(choice[0] for choice in choices)
        for choice in choices:
            mark -= choice[0]
            if mark < 0:
                return choice[1:]
        return choices[-1][1:]


class FilmClub(Draw):
    """Viewers with one genre or two that they like, and what they rated."""

    def __init__(self):
        super().__init__(19990917)
        self.films = {}  # id: title, genre, how well it is known
        self.ratings = []  # (viewer, film, rating, time)
        for genre, titles in FILMS.items():
            for place, title in enumerate(titles):
                self.films[len(self.films) + 1] = (title, genre, 10 / (place + 4))
        for viewer in range(1, VIEWERS + 1):
            self.rate(viewer)

    def rate(self, viewer):
        """Write what a viewer rated: mostly the genres that the viewer likes, the well-known films of them first."""
        genres = list(FILMS)
        first, second = genres[self.between(0, 5)], genres[self.between(0, 5)]
        count, = self.weighted(((20, 5), (30, 9), (25, 14), (15, 20), (10, 30)))
        left = dict(self.films)
        time = START + timedelta(days=self.between(0, DAYS - 1), seconds=self.between(0, 86399))
        for _ in range(count):
            film, = self.weighted([(known * (16 if genre == first else 6 if genre == second else 1), number)
                                   for number, (_, genre, known) in left.items()])
            liked = left.pop(film)[1] in (first, second)
            rating, = self.weighted(((45, 5), (40, 4), (15, 3)) if liked else ((15, 4), (40, 3), (30, 2), (15, 1)))
            self.ratings.append((viewer, film, rating, int(time.timestamp())))
            time += timedelta(seconds=self.between(20, 300))


class Generator(Draw):
    """One run of the loyalty programme."""

    def __init__(self):
        super().__init__(20240304)
        self.log = []  # (written at, line)
        self.transactions = []  # (time, status, reward)
        self.run()

    def campaign(self, time):
        week = min((time - START).days // 7, 2)
        return self.weighted([(c[2][week], number) for number, c in CAMPAIGNS.items()])[0]

    def reward(self, campaign):
        offered = [n for n, r in REWARDS.items() if campaign == r[1] or campaign in r[2]]
        return offered[self.between(0, len(offered) - 1)]

    def write(self, time, method, path, user, zone=SINGAPORE, delay=0):
        """Write one line, and the transaction that an issued reward makes."""
        fraction = "milliseconds" if time.microsecond else "seconds"
        stamp = time.astimezone(zone).isoformat(timespec=fraction)
        self.log.append((time + timedelta(seconds=delay), f"{stamp} {method} {path} {user}"))

    def issue(self, time, reward, user, zone):
        self.write(time, "POST", f"/rewards/{reward}", user, zone)
        status, = self.weighted(((85, "redeemed"), (8, "pending"), (7, "reverted")))
        answered = time + timedelta(milliseconds=self.between(20, 900))
        self.transactions.append((answered, status, reward))

    def visit(self, time, user):
        """Write one visit; its steps are seconds to minutes apart, always less than five minutes."""
        steps, = self.weighted(VISITS)
        zone = SINGAPORE if self.random() < 0.8 else timezone.utc
        last = self.campaign(time)
        if self.random() < 0.3:
            self.write(time, "POST", "/login", user, zone)
            time += timedelta(seconds=self.between(1, 5))
        for step in steps:
            if self.random() < 0.015:
                time += timedelta(milliseconds=self.between(1, 999))
            if step == "o":
                self.write(time, *self.weighted(OTHER_PATHS), user, zone,
                           delay=self.between(60, 1200) if self.random() < 0.01 else 0)
            elif step == "v":
                last = self.campaign(time)
                suffix, = self.weighted(((88, ""), (8, "?src=push"), (2, "/"), (2, "#rewards")))
                self.write(time, "GET", f"/campaigns/{last}{suffix}", user, zone,
                           delay=self.between(60, 1200) if self.random() < 0.02 else 0)
                if self.random() < 0.01:  # sent twice
                    self.write(time, "GET", f"/campaigns/{last}{suffix}", user, zone)
            else:
                offerer = last if step == "r" else self.campaign(time)
                self.issue(time, self.reward(offerer), user, zone)
            time += timedelta(seconds=self.between(150, 290) if self.random() < 0.05 else self.between(3, 95))

    def moment(self):
        hour, = self.weighted([(weight, hour) for hour, weight in enumerate(HOURS)])
        return START + timedelta(days=self.between(0, DAYS - 1), hours=hour, seconds=self.between(0, 3599))

    def happy_hour(self, start):
        """Write the visits that a message to many members brings, most within the hour."""
        for _ in range(18):
            user = f"m{1001 + self.between(0, MEMBERS - 1)}"
            time = start + timedelta(seconds=self.between(10, 2700))
            self.write(time, "GET", "/campaigns/3?src=push", user)
            if self.random() < 0.7:
                self.issue(time + timedelta(seconds=self.between(8, 280)), self.reward(3), user, SINGAPORE)

    def edges(self):
        """Visits around the five minutes that part two sessions, and one with a reward before its view."""
        time = datetime(2024, 3, 13, 10, 0, tzinfo=SINGAPORE)
        for user, gap in (("m2001", 299_999), ("m2002", 300_000), ("m2003", 300_001)):
            self.write(time, "GET", "/campaigns/13", user)
            self.issue(time + timedelta(milliseconds=gap), 123, user, SINGAPORE)
        self.issue(time, 124, "m2004", SINGAPORE)
        self.write(time + timedelta(seconds=40), "GET", "/campaigns/13", "m2004")
        self.issue(time, 124, "m2005", SINGAPORE)
        self.write(time, "GET", "/campaigns/13", "m2005")

    def run(self):
        for number in range(MEMBERS):
            count, = self.weighted(((25, 1), (25, 2), (20, 3), (15, 5), (10, 7), (5, 11)))
            for _ in range(count):
                self.visit(self.moment(), f"m{1001 + number}")
        for number in range(20):  # came once, saw one page
            self.write(self.moment(), "GET", "/", f"guest-{number + 1}")
        for day in (2, 6, 9, 16):  # the tablet on the counter of a shop
            for _ in range(9):
                self.visit(START + timedelta(days=day, seconds=self.between(8 * 3600, 20 * 3600)), "kiosk-1")
        for day in (4, 11, 18):
            self.happy_hour(START + timedelta(days=day, hours=17))
        self.edges()
        self.log.sort(key=lambda entry: entry[0])
        self.transactions.sort()


def access_log(log):
    """Return an hour of the log as a web server writes it, with the application's paths below /v4."""
    begin = START + timedelta(days=4, hours=17)
    agents = ("CoffeeApp/4.2 (Android 14)", "CoffeeApp/4.1 (iPhone; iOS 17.3)", "Mozilla/5.0 (X11; Linux x86_64)")
    lines = []
    for _, line in log:
        stamp, method, path, user = line.split(" ")
        time = datetime.fromisoformat(stamp).astimezone(SINGAPORE)
        if not begin <= time < begin + timedelta(hours=1):
            continue
        number = int(user[-3:]) if user[-3:].isdigit() else 0
        host = f"2001:db8::{number:x}" if number % 4 == 0 else f"198.51.100.{number % 250}"
        lines.append((time, f'{host} - {user}', f"{method} /v4{path} HTTP/1.1", 200, agents[number % 3]))
        if len(lines) % 9 == 0:  # nobody in particular
            lines.append((time, "::1 - -", "GET /health HTTP/1.1", 204, "probe/1.0"))
    lines += [
        (begin + timedelta(minutes=12), "203.0.113.9 - Mei Lin", "GET /v4/campaigns/3 HTTP/1.1", 200, agents[2]),
        (begin + timedelta(minutes=14), "203.0.113.9 - Mei Lin", "POST /v4/rewards/106 HTTP/1.1", 201, agents[2]),
        (begin + timedelta(minutes=15), "203.0.113.9 - Mei Lin", "GET /campaigns/11 HTTP/1.1", 404, agents[2]),
        (begin + timedelta(minutes=31), "192.0.2.44 - -", "-", 408, "-"),  # a client that sent nothing
    ]
    lines.sort(key=lambda entry: entry[0])
    return "".join(
        f'{client} [{time.strftime("%d/%b/%Y:%H:%M:%S %z")}] "{request}" {status} {len(request) * 37} "-" "{agent}"\n'
        for time, client, request, status, agent in lines)


def utc(time):
    return time.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.") + f"{time.microsecond // 1000:03d} UTC"


def table(header, rows):
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def files():
    """Return the text of each file by its name."""
    made, club = Generator(), FilmClub()
    changed = {n: CREATED + timedelta(hours=3 * n, seconds=7 * n, milliseconds=41) for n in (*CAMPAIGNS, *REWARDS)}
    return {
        "http_log.txt": "".join(line + "\n" for _, line in made.log),
        "access.log": access_log(made.log),
        "campaign_reward_mapping.csv": table(
            ("campaign_id", "reward_id"),
            sorted((c, n) for n, r in REWARDS.items() for c in (r[1], *r[2]))),
        "campaign.csv": table(
            ("id", "name", "status", "updated_at"),
            ((n, c[0], c[1], utc(changed[n])) for n, c in CAMPAIGNS.items())),
        "reward_campaign.csv": table(
            ("id", "reward_name", "updated_at", "campaign_id"),
            ((n, r[0], utc(changed[n] - timedelta(days=12)), r[1]) for n, r in REWARDS.items())),
        "reward_transaction.csv": table(
            ("id", "status", "updated_at", "reward_campaign_id"),
            ((n, t[1], utc(t[0]), t[2]) for n, t in enumerate(made.transactions, 1))),
        "ratings.csv": table(("userId", "movieId", "rating", "timestamp"), club.ratings),
        "movies.csv": table(("movieId", "title", "genres"), ((n, f[0], f[1]) for n, f in club.films.items())),
    }


def main(arguments):
    if arguments not in ([], ["--check"]):
        sys.exit("usage: generate.py [--check]")
    stale = False
    for name, text in files().items():
        path = FOLDER / name
        if not arguments:
            path.write_bytes(text.encode())
        elif not path.exists() or path.read_bytes() != text.encode():
            print(f"data/{name} is not what data/generate.py makes", file=sys.stderr)
            stale = True
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
