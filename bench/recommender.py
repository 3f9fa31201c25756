# bench/recommender.py - the recommender beside its peers on MovieLens-1M: quality, time,
# memory, latency. Every engine learns from the same pairs and is judged by the same code.
import gzip
import http.client
import json
import os
import random
import statistics
import subprocess
import threading
import time
from pathlib import Path

import numpy
import psycopg
from common import HERE, RUNS, PeakMemory, anonymous_memory, database, print_table
from implicit.als import AlternatingLeastSquares
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

DATA = Path(os.environ.get("CLICKSTREAM_DATA") or HERE / "../../shared/data")
PAIRS = DATA / "ml-1m/interactions.csv.gz"
K = 20
SEED = 20240310
HELD_OUT_USERS = 600
ASKED_USERS = 2000


def read_pairs():
    opened = gzip.open(PAIRS, "rt") if PAIRS.suffix == ".gz" else open(PAIRS, encoding="ascii")
    with opened as file:
        next(file)
        return numpy.array([line.split(",")[:2] for line in file], dtype=numpy.int64)


class Pairs:
    """The pairs with users and items numbered, and matrices of parts of them."""

    def __init__(self):
        pairs = read_pairs()
        self.user_ids, users = numpy.unique(pairs[:, 0], return_inverse=True)
        self.item_ids, items = numpy.unique(pairs[:, 1], return_inverse=True)
        self.pairs = numpy.stack([users, items], axis=1)

    def matrix(self, chosen):
        users, items = self.pairs[chosen].T
        ones = numpy.ones(len(users), numpy.float32)
        return csr_matrix((ones, (users, items)), (len(self.user_ids), len(self.item_ids)))


class OwnPeak(PeakMemory):
    """The most private memory of this process, beyond what it had at the start."""

    def __init__(self):  # pylint: disable=super-init-not-called
        self.peak = 0
        self.start = anonymous_memory(os.getpid())
        self.stopped = threading.Event()

    def _watch(self):
        while not self.stopped.wait(0.02):
            self.peak = max(self.peak, anonymous_memory(os.getpid()) - self.start)


def judge(scores, seen, held):
    """Recall@K, NDCG@K and coverage of a matrix of scores."""
    scores = numpy.array(scores, numpy.float32)
    scores[seen.nonzero()] = -numpy.inf
    top = numpy.argsort(-scores, axis=1, kind="stable")[:, :K]
    hits = numpy.take_along_axis(held.toarray(), top, axis=1) > 0
    relevant = numpy.diff(held.indptr)
    users = relevant > 0
    discount = 1 / numpy.log2(numpy.arange(K) + 2)
    ideal = numpy.concatenate([[0], numpy.cumsum(discount)])[numpy.minimum(relevant, K)]
    return (
        float((hits.sum(1)[users] / relevant[users]).mean()),
        float(((hits * discount).sum(1)[users] / ideal[users]).mean()),
        len(numpy.unique(top[users])) / scores.shape[1],
    )


# The peers: each makes the scores of all users from a matrix.


def popularity(seen):
    return numpy.tile(numpy.asarray(seen.sum(0)), (seen.shape[0], 1))


def als(seen, threads=1, **settings):
    model = AlternatingLeastSquares(random_state=SEED, num_threads=threads, use_gpu=False, **settings)
    model.fit(seen, show_progress=False)
    return model.user_factors @ model.item_factors.T


def neighbours(seen, kind, size, threads=1):
    model = kind(K=size, num_threads=threads)
    model.fit(seen, show_progress=False)
    return (seen @ model.similarity).toarray()


def plain_ease(seen, regularisation):
    """EASE as RecBole has it (recbole/model/general_recommender/ease.py): its formula, in numpy."""
    gram = (seen.T @ seen).toarray()
    gram[numpy.diag_indices_from(gram)] += regularisation
    inverse = numpy.linalg.inv(gram)
    weights = inverse / -numpy.diag(inverse)
    numpy.fill_diagonal(weights, 0)
    return seen @ weights


def dense_model(seen, a=0.8, b=0.2, regularisation=5, p=0.5):
    """Our model with all its weights, in double precision."""
    x = seen.toarray().astype(numpy.float64)
    of_user, of_item = x.sum(1), numpy.maximum(x.sum(0), 1)
    scale = of_item**-b
    gram = (x * numpy.maximum(of_user, 1)[:, None] ** -a).T @ x * numpy.outer(scale, scale)
    diagonal = numpy.diag(gram).copy()
    gram[numpy.diag_indices_from(gram)] += regularisation * diagonal[x.sum(0) > 0].mean() + p / (1 - p) * diagonal
    inverse = numpy.linalg.inv(gram)
    weights = -scale[:, None] * inverse / numpy.diag(inverse)
    numpy.fill_diagonal(weights, 0)
    popular = x.sum(0) / (of_user > 0).sum() @ weights
    return x @ weights + 0.2 * 10 / (10 + of_user[:, None]) * popular


def best(make, settings, seen, held):
    """The settings whose scores are best by NDCG on the part held out for choosing."""
    return max(settings, key=lambda chosen: judge(make(seen, **chosen), seen, held)[1])


def choose(train, valid):
    """Tune the peers: what they are called, how they are made, and their settings."""
    als_settings = [
        {"factors": factors, "regularization": regularisation, "alpha": alpha, "iterations": 15, "threads": 2}
        for factors, regularisation, alpha in
        [(64, 0.05, 1), (64, 1, 5), (64, 10, 10), (128, 1, 1), (128, 5, 5), (128, 20, 10), (32, 1, 5), (32, 5, 20)]
    ]
    knn_settings = [{"kind": kind, "size": size} for kind in (CosineRecommender, TFIDFRecommender, BM25Recommender)
                    for size in (50, 200, 500)]
    ease_settings = [{"regularisation": value} for value in (250, 500, 1000, 2000, 4000)]
    for name, make, settings in (
        ("most popular", popularity, [{}]),
        ("implicit ALS", als, als_settings),
        ("implicit item-kNN", neighbours, knn_settings),
        ("EASE", plain_ease, ease_settings),
    ):
        chosen = best(make, settings, train, valid) if len(settings) > 1 else settings[0]
        chosen = {key: value for key, value in chosen.items() if key != "threads"}
        shown = ", ".join(f"{k} {getattr(v, '__name__', v)}" for k, v in chosen.items() if k != "iterations")
        yield f"{name} ({shown})" if shown else name, make, chosen


def peers(train, valid, seen, held):
    """Quality, time and memory of the peers, on one thread."""
    for name, make, chosen in list(choose(train, valid)):
        with threadpool_limits(1), OwnPeak() as memory:
            start = time.perf_counter()
            scores = make(seen, **chosen)
            seconds = time.perf_counter() - start
        yield name, *judge(scores, seen, held), seconds, memory.peak


# Ours


def fill(server, table, data, chosen):
    server.execute(f"DROP TABLE IF EXISTS {table}")
    server.execute(f"CREATE TABLE {table} (user_id bigint, item_id bigint)")
    with server.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for user, item in data.pairs[chosen]:
            copy.write_row((int(data.user_ids[user]), int(data.item_ids[item])))


def fit(model, table, options=None):
    """Fit in a backend of its own; return its summary and the backend's peak memory."""
    with psycopg.connect(autocommit=True) as server, PeakMemory(server) as memory:
        (done,) = server.execute("SELECT recommender_fit(%s, %s, 'user_id', 'item_id', %s)",
                                 (model, table, json.dumps(options or {}))).fetchone()
    return done, memory.peak


def ours(server):
    """Quality, time and memory of recommender_fit with its defaults."""
    runs = [fit("bench", "seen") for _ in range(RUNS)]
    _, recall, ndcg, _, coverage = server.execute(
        "SELECT * FROM recommender_evaluate('bench', 'held', 'user_id', 'item_id', %s)", (K,)).fetchone()
    return (recall, ndcg, coverage, statistics.median(run[0]["seconds"] for run in runs),
            max(run[1] for run in runs))


def latencies(server, data):
    """Milliseconds of single recommendations, sorted."""
    users = random.Random(SEED).sample(list(data.user_ids), ASKED_USERS)
    times = []
    for user in users[:100] + users:
        start = time.perf_counter()
        server.execute("SELECT * FROM recommend('bench', %s::bigint)", (int(user),), prepare=True).fetchall()
        times.append(1e3 * (time.perf_counter() - start))
    return sorted(times[100:])


class Service:
    """The service beside the database, with as many workers as clients, up to 8."""

    def __init__(self, clients):
        self.process = subprocess.Popen(
            ["clickstream", "serve", "--model", "bench", "--http-port", "0", "--workers", str(min(clients, 8))],
            stderr=subprocess.PIPE, text=True)
        self.port = int(self.process.stderr.readline().rsplit(":", 1)[1].strip("/\n"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.communicate()

    def ask(self, users):
        """Ask for these users over one connection."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        for user in users:
            connection.request("GET", f"/recommend/{user}")
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            answer.read()
        connection.close()


def request_rates(data):
    """Requests a second of the service, by the number of clients."""
    users = random.Random(SEED).sample(list(data.user_ids), ASKED_USERS)
    for clients in (1, 8, 32):
        with Service(clients) as service:
            service.ask(users[:100])
            threads = [threading.Thread(target=service.ask, args=(users[i::clients],)) for i in range(clients)]
            start = time.perf_counter()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            yield clients, f"{len(users) / (time.perf_counter() - start):,.0f}"


# New users: one known item, and fold-in beside a refit


def ndcg_of(ranked, relevant):
    gain = sum(1 / numpy.log2(place + 2) for place, item in enumerate(ranked) if item in relevant)
    return gain / sum(1 / numpy.log2(place + 2) for place in range(min(K, len(relevant))))


def ask(server, query, *parameters):
    return [item for (item,) in server.execute(query, parameters)]


def new_users(server, data):
    """NDCG@K for users who were not in the fit, by how many of their items are known."""
    generator = numpy.random.default_rng(SEED)
    chosen = set(generator.choice(len(data.user_ids), HELD_OUT_USERS, replace=False).tolist())
    others = numpy.array([user not in chosen for user in data.pairs[:, 0]])
    of_user = {}
    for user, item in data.pairs[~others]:
        of_user.setdefault(int(user), []).append(int(data.item_ids[item]))
    for items in of_user.values():
        generator.shuffle(items)
    fill(server, "others", data, others)
    fit("others", "others")
    for known in (1, 3, 10):
        folded, popular = [], []
        for items in of_user.values():
            relevant = set(items[known:])
            folded.append(ndcg_of(ask(
                server, "SELECT item_id FROM recommend_for('others', %s::bigint[], %s)", items[:known], K), relevant))
            popular.append(ndcg_of(ask(
                server, "SELECT item_id FROM (SELECT item_id, count(*) AS c FROM others GROUP BY item_id) AS x"
                " WHERE item_id <> ALL (%s::bigint[]) ORDER BY c DESC, item_id LIMIT %s", items[:known], K)
                if known == 1 else [], relevant))
        yield f"{known} known", numpy.mean(folded), numpy.mean(popular) if known == 1 else None
    # refit with four fifths of each new user's items
    server.execute("CREATE TEMP TABLE new_user (user_id bigint, item_id bigint)")
    for user, items in of_user.items():
        known = items[: len(items) * 4 // 5]
        server.execute("INSERT INTO new_user SELECT %s, unnest(%s::bigint[])", (-1 - user, known))
    server.execute("DROP TABLE IF EXISTS refit; CREATE TABLE refit AS TABLE others;"
                   " INSERT INTO refit SELECT * FROM new_user")
    fit("refit", "refit")
    folded, refitted = [], []
    for user, items in of_user.items():
        cut = len(items) * 4 // 5
        relevant = set(items[cut:])
        folded.append(ndcg_of(ask(
            server, "SELECT item_id FROM recommend_for('others', %s::bigint[], %s)", items[:cut], K), relevant))
        refitted.append(ndcg_of(ask(
            server, "SELECT item_id FROM recommend('refit', %s::bigint, %s)", -1 - user, K), relevant))
    yield "four fifths known", numpy.mean(folded), numpy.mean(refitted)


def main():
    if not PAIRS.exists():
        print(f"\nThe recommender: skipped, {PAIRS} is not there; CLICKSTREAM_DATA names the directory.")
        return
    data = Pairs()
    draw = numpy.random.default_rng(SEED).random(len(data.pairs))
    train, valid = data.matrix(draw < 0.8), data.matrix((draw >= 0.8) & (draw < 0.9))
    seen, held = data.matrix(draw < 0.9), data.matrix(draw >= 0.9)
    with database() as server:
        fill(server, "seen", data, draw < 0.9)
        fill(server, "held", data, draw >= 0.9)
        rows = [("clickstream", *ours(server))]
        times = latencies(server, data)
        rows.append(("the same model, dense", *judge(dense_model(seen), seen, held), None, None))
        rows.extend(peers(train, valid, seen, held))
        print_table(
            f"MovieLens-1M, {seen.nnz:,} pairs learnt, {held.nnz:,} held out, one thread",
            ("engine", f"Recall@{K}", f"NDCG@{K}", "coverage", "fit, s", "memory, MB"),
            [(name, f"{recall:.4f}", f"{ndcg:.4f}", f"{coverage:.3f}",
              "" if seconds is None else f"{seconds:.2f}", "" if peak is None else f"{peak / 1e6:.0f}")
             for name, recall, ndcg, coverage, seconds, peak in rows])
        print_table("One recommendation, ms", ("", "p50", "p90", "p99", "largest"), [
            ("`recommend`", *(f"{times[int(len(times) * share)]:.2f}" for share in (0.5, 0.9, 0.99)),
             f"{times[-1]:.2f}")])
        print_table("Requests of the service", ("clients", "a second"), list(request_rates(data)))
        print_table(f"NDCG@{K} of {HELD_OUT_USERS} users who were not in the fit",
                    ("their items", "`recommend_for`", "most popular, or refitted"),
                    [(name, f"{folded:.4f}", "" if other is None else f"{other:.4f}")
                     for name, folded, other in new_users(server, data)])


if __name__ == "__main__":
    main()
