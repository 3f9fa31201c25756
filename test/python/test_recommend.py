# test/python/test_recommend.py - the recommender against the same model in numpy
"""Scores and evaluations, on random data and on MovieLens-1M where that is there."""

import gzip
import os
import pathlib

import numpy
import pytest

from conftest import ROOT

MOVIELENS = pathlib.Path(os.environ.get("CLICKSTREAM_DATA", ROOT / "../shared/data"), "ml-1m", "interactions.csv.gz")
SOAK = os.environ.get("CLICKSTREAM_SOAK") == "1"
ALL = 10**9
DEFAULTS = {"a": 0.8, "b": 0.2, "lambda": 5, "p": 0.5}


def random_pairs(seed, users, items):
    """Pairs with repeats; some items are had by nearly all, some by one."""
    random = numpy.random.default_rng(seed)
    share = random.beta(0.6, 2.5, items)
    has = random.random((users, items)) < share * random.uniform(0.2, 1.8, (users, 1))
    has[random.integers(0, users, items), numpy.arange(items)] = True
    pairs = [(int(u) * 31 - 100, int(i) * 7 - 50) for u, i in numpy.argwhere(has)]
    random.shuffle(pairs)
    return pairs + pairs[::17]


def movielens():
    if not MOVIELENS.exists():
        pytest.skip("the data of MovieLens-1M is not there")
    with gzip.open(MOVIELENS, "rt") as file:
        next(file)
        return [tuple(map(int, line.split(","))) for line in file]


def split(pairs, seed):
    """Hold out a tenth."""
    held = numpy.random.default_rng(seed).random(len(pairs)) < 0.1
    return ([pair for pair, out in zip(pairs, held) if not out],
            [pair for pair, out in zip(pairs, held) if out])


class Matrix:
    """The pairs as a matrix of users and items."""

    def __init__(self, pairs):
        self.users = {user: n for n, user in enumerate(sorted({user for user, _ in pairs}))}
        self.items = {item: n for n, item in enumerate(sorted({item for _, item in pairs}))}
        self.x = numpy.zeros((len(self.users), len(self.items)), numpy.float32)
        self.x[[self.users[u] for u, _ in pairs], [self.items[i] for _, i in pairs]] = 1


def fit(matrix, options):
    """The weights B and the scores m B by their definition, in double precision."""
    x = matrix.x.astype(numpy.float64)
    of_user, of_item = x.sum(1), x.sum(0)
    scale = of_item ** -options["b"]
    gram = (x * of_user[:, None] ** -options["a"]).T @ x * numpy.outer(scale, scale)
    diagonal = numpy.diag(gram)
    p = options["p"]
    inverse = numpy.linalg.inv(gram + numpy.diag(options["lambda"] * diagonal.mean() + p / (1 - p) * diagonal))
    weights = -scale[:, None] * inverse / numpy.diag(inverse)
    numpy.fill_diagonal(weights, 0)
    return weights, of_item / len(x) @ weights


def score(x, weights, popular):
    known = x.sum(1, keepdims=True)
    k = numpy.where(known == 0, 1, 0.2 * 10 / (10 + known))
    return x @ weights + k * popular


def options_json(options):
    return "{" + ", ".join(f'"{name}": {value}' for name, value in options.items()) + "}"


def numbers(text, kind=float):
    """A PostgreSQL array of numbers."""
    return numpy.array(text.strip("{}").split(","), kind) if text != "{}" else numpy.zeros(0, kind)


def compare_scores(server, pairs, options, users):
    """All scores that the server gives these users must be those of numpy, to 1e-4."""
    server.load("pair", pairs)
    server.sql(f"SELECT recommender_fit('m', 'pair', 'who', 'what', '{options_json({**options, 'keep': 100000})}')")
    matrix = Matrix(pairs)
    weights, popular = fit(matrix, options)
    x = numpy.array([matrix.x[matrix.users[user]] if user in matrix.users else 0 * matrix.x[0] for user in users],
                    numpy.float64)
    expected = score(x, weights, popular)
    for row, user in zip(expected, users):
        got = {int(item): float(value) for item, value in server.sql(
            f"SELECT item_id, score FROM recommend('m', {user}, {ALL}, false)")}
        assert list(got) == sorted(got, key=lambda item: (-got[item], item)), "best first, then by id"
        assert set(got) == set(matrix.items)
        assert numpy.abs(numpy.array([got[item] for item in matrix.items]) - row).max() < 1e-4


def stored_weights(server, num_items):
    """The weights as the model holds them."""
    weights = numpy.zeros((num_items, num_items))
    rows = server.sql("SELECT neighbours, weights FROM recommender_item JOIN recommender_model USING (model_id)"
                      " WHERE model = 'm' ORDER BY item_id")
    for source, (targets, values) in enumerate(rows):
        weights[source, numbers(targets, int)] = numbers(values).astype(numpy.float32)
    popular = numbers(server.sql("SELECT popular FROM recommender_model WHERE model = 'm'")[0][0])
    return weights, popular.astype(numpy.float32).astype(numpy.float64)


def evaluate(matrix, model, held, k):
    """Recall, NDCG, hit rate and coverage by their definition."""
    of_user = {}
    for user, item in held:
        of_user.setdefault(user, set()).add(item)
    discount = 1 / numpy.log2(numpy.arange(k) + 2)
    ids = numpy.array(list(matrix.items))
    results, covered = [], set()
    unknown = numpy.zeros((1, len(ids)))
    all_scores = score(numpy.vstack([matrix.x.astype(numpy.float64), unknown]), *model).astype(numpy.float32)
    for user, items in of_user.items():
        row = matrix.users.get(user, -1)
        x = unknown[0] if row < 0 else matrix.x[row]
        relevant = items - set(ids[x > 0].tolist())
        if not relevant:
            continue
        scores = all_scores[row]
        scores[x > 0] = -numpy.inf
        order = numpy.lexsort((ids, -scores))[:k]
        ranked = ids[order[scores[order] > -numpy.inf]]
        covered.update(ranked.tolist())
        hits = numpy.array([item in relevant for item in ranked.tolist()])
        gain = (discount[:len(ranked)] * hits).sum() / discount[:min(k, len(relevant))].sum()
        results.append((hits.sum() / len(relevant), gain, hits.any()))
    return [len(results), *numpy.mean(results, 0), len(covered) / len(ids)]


def compare_evaluation(server, pairs, held, k):
    server.load("pair", pairs)
    server.load("held", held)
    server.sql("SELECT recommender_fit('m', 'pair', 'who', 'what')")
    matrix = Matrix(pairs)
    model = stored_weights(server, len(matrix.items))
    got = [float(value) for value in server.sql(
        f"SELECT * FROM recommender_evaluate('m', 'held', 'who', 'what', {k})")[0]]
    assert got == pytest.approx(evaluate(matrix, model, held, k), abs=1e-6)
    return got


@pytest.mark.parametrize("seed", range(40 if SOAK else 4))
def test_scores_of_random_data(server, seed):
    random = numpy.random.default_rng(seed)
    options = DEFAULTS if seed == 0 else {
        "a": random.uniform(-0.3, 1), "b": random.uniform(0, 0.6),
        "lambda": random.uniform(2, 20), "p": random.uniform(0, 0.8)}
    pairs = random_pairs(seed, *random.integers(2, 300, 2))
    users = sorted({user for user, _ in pairs})[:5] + [999999]
    compare_scores(server, pairs, options, users)


@pytest.mark.parametrize("seed", range(40 if SOAK else 4))
def test_evaluation_of_random_data(server, seed):
    random = numpy.random.default_rng(100 + seed)
    pairs, held = split(random_pairs(seed, *random.integers(5, 300, 2)), seed)
    # users and items that the fit does not know, and pairs that it does
    held += [(10**6, held[0][1]), (10**6 + 1, 10**6), (pairs[0][0], 10**6)] + pairs[:3]
    compare_evaluation(server, pairs, held, int(random.integers(1, 30)))


def test_scores_of_movielens(server):
    pairs = movielens()
    compare_scores(server, pairs, DEFAULTS, [1, 48, 4169, 6040, 999999])


def test_evaluation_of_movielens(server):
    pairs, held = split(movielens(), 1)
    users, recall, ndcg, _, _ = compare_evaluation(server, pairs, held, 20)
    assert users > 5800
    # the dense model, from which the stored one leaves the smallest weights out
    matrix = Matrix(pairs)
    dense = evaluate(matrix, fit(matrix, DEFAULTS), held, 20)
    assert recall >= 0.998 * dense[1] and ndcg >= 0.998 * dense[2]
