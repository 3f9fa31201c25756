/*
 * test/unit/session_map_test.c
 *     The mapping of campaigns to rewards: sets, stored form, lookups, JSON.
 */
#include "session_map.h"
#include "session_text.h"
#include "support.h"

#include <stdlib.h>

#define MAX_PAIRS 64

/* Make a sorted map of these pairs. */
static void
make_map(const cs_pair *pairs, size_t count, cs_map *map)
{
    cs_error err;

    cs_map_init(map, cs_malloc_env());
    for (size_t i = 0; i < count; i++)
        assert_ok(cs_map_add(map, pairs[i].campaign, pairs[i].reward, &err), &err);
    cs_map_sort(map);
}

/* True if the pairs hold this one. */
static bool
has_pair(const cs_pair *pairs, size_t count, cs_pair pair)
{
    for (size_t i = 0; i < count; i++)
        if (pairs[i].campaign == pair.campaign && pairs[i].reward == pair.reward)
            return true;
    return false;
}

/* True if a comes before b. */
static bool
is_before(cs_pair a, cs_pair b)
{
    return a.campaign < b.campaign || (a.campaign == b.campaign && a.reward < b.reward);
}

/* The map must hold the pairs, each once, in order. */
static void
check_set(const cs_map *map, const cs_pair *pairs, size_t count)
{
    for (size_t i = 0; i < map->count; i++)
    {
        assert_true(has_pair(pairs, count, map->pairs[i]));
        assert_true(i == 0 || is_before(map->pairs[i - 1], map->pairs[i]));
    }
    for (size_t i = 0; i < count; i++)
        assert_true(has_pair(map->pairs, map->count, pairs[i]));
}

/* The map must come back from its stored form and from its JSON text. */
static void
check_round_trips(const cs_map *map)
{
    cs_buffer stored, text, again;
    cs_map decoded, parsed;
    cs_error err;

    cs_buffer_init(&stored, cs_malloc_env());
    cs_buffer_init(&text, cs_malloc_env());
    cs_buffer_init(&again, cs_malloc_env());
    cs_map_init(&decoded, cs_malloc_env());
    cs_map_init(&parsed, cs_malloc_env());

    assert_ok(cs_map_encode(map, &stored, &err), &err);
    assert_ok(cs_map_check(cs_malloc_env(), slice_of_buffer(&stored), &err), &err);
    assert_ok(cs_map_decode(&decoded, slice_of_buffer(&stored), &err), &err);
    assert_int_equal(decoded.count, map->count);
    check_set(&decoded, map->pairs, map->count);

    assert_ok(cs_map_to_json(map, &text, &err), &err);
    assert_ok(cs_map_from_json(&parsed, slice_of_buffer(&text), &err), &err);
    assert_ok(cs_map_encode(&parsed, &again, &err), &err);
    assert_same_bytes(slice_of_buffer(&again), slice_of_buffer(&stored));

    cs_map_free(&decoded);
    cs_map_free(&parsed);
    cs_buffer_free(&stored);
    cs_buffer_free(&text);
    cs_buffer_free(&again);
}

/* Ranges and lookups must agree with a plain search, for these ids and their neighbours. */
static void
check_lookups(const cs_map *map, const cs_pair *pairs, size_t count, const int64_t *ids,
              size_t num_ids)
{
    for (size_t i = 0; i < num_ids; i++)
    {
        size_t start, end, expected = 0;

        cs_map_range(map, ids[i], &start, &end);
        assert_true(start <= end && end <= map->count);
        for (size_t j = 0; j < map->count; j++)
        {
            bool inside = j >= start && j < end;

            assert_int_equal(inside, map->pairs[j].campaign == ids[i]);
            expected += inside;
        }
        assert_int_equal(end - start, expected);
        for (size_t j = 0; j < num_ids; j++)
            assert_int_equal(cs_map_holds(map, start, end, ids[j]),
                             has_pair(pairs, count, (cs_pair){ids[i], ids[j]}));
    }
}

static void
test_random_maps(void **state)
{
    static const int64_t ids[] = {INT64_MIN, INT64_MIN + 1, -5,       -1, 0, 1, 2,
                                  3,         INT64_MAX - 1, INT64_MAX};
    size_t rounds = test_rounds(2000);
    test_random random;

    (void) state;
    test_random_start(&random, "maps");
    for (size_t i = 0; i < rounds; i++)
    {
        cs_pair pairs[MAX_PAIRS];
        size_t count = (size_t) test_random_below(&random, MAX_PAIRS + 1);
        cs_map map;
        cs_error err;

        for (size_t j = 0; j < count; j++)
            pairs[j] = (cs_pair){ids[test_random_below(&random, LENGTH(ids))],
                                 ids[test_random_below(&random, LENGTH(ids))]};
        make_map(pairs, count, &map);
        check_set(&map, pairs, count);
        check_round_trips(&map);
        check_lookups(&map, pairs, count, ids, LENGTH(ids));
        assert_ok(cs_map_index(&map, &err), &err);
        check_lookups(&map, pairs, count, ids, LENGTH(ids));
        cs_map_free(&map);
    }
}

static void
test_random_ids(void **state)
{
    size_t rounds = test_rounds(1000);
    test_random random;

    (void) state;
    test_random_start(&random, "maps of any ids");
    for (size_t i = 0; i < rounds; i++)
    {
        cs_pair pairs[MAX_PAIRS];
        cs_map map;

        for (size_t j = 0; j < MAX_PAIRS; j++)
            pairs[j] =
                (cs_pair){(int64_t) test_random_next(&random), (int64_t) test_random_next(&random)};
        make_map(pairs, MAX_PAIRS, &map);
        assert_int_equal(map.count, MAX_PAIRS);
        check_set(&map, pairs, MAX_PAIRS);
        check_round_trips(&map);
        cs_map_free(&map);
    }
}

static void
test_empty_map(void **state)
{
    cs_buffer stored;
    size_t start, end;
    cs_map map;
    cs_error err;

    (void) state;
    cs_map_init(&map, cs_malloc_env());
    cs_buffer_init(&stored, cs_malloc_env());
    cs_map_sort(&map);
    assert_int_equal(map.count, 0);
    check_round_trips(&map);
    assert_ok(cs_map_encode(&map, &stored, &err), &err);
    assert_same_bytes(slice_of_buffer(&stored), ((cs_slice){"\x01\x00", 2}));
    cs_map_range(&map, 1, &start, &end);
    assert_int_equal(start, end);
    assert_false(cs_map_holds(&map, start, end, 1));
    cs_map_range(&map, INT64_MAX, &start, &end);
    assert_int_equal(start, end);
    assert_ok(cs_map_index(&map, &err), &err);
    cs_map_range(&map, 1, &start, &end);
    assert_int_equal(start, end);
    cs_map_free(&map);
    cs_buffer_free(&stored);
}

/* Computed by hand from session_map.h. */
static void
test_golden_bytes(void **state)
{
    static const cs_pair small[] = {{2, -5}, {1, 11}, {1, 10}, {2, -5}};
    static const cs_pair extreme[] = {{INT64_MAX, INT64_MIN}, {INT64_MIN, INT64_MAX}};
    static const cs_slice small_bytes = {"\x01\x03\x02\x14\x00\x02\x02\x1f", 8};
    static const cs_slice extreme_bytes = {"\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
                                           "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01\x02",
                                           24};
    cs_buffer stored;
    cs_map map;
    cs_error err;

    (void) state;
    cs_buffer_init(&stored, cs_malloc_env());
    make_map(small, LENGTH(small), &map);
    assert_ok(cs_map_encode(&map, &stored, &err), &err);
    assert_same_bytes(slice_of_buffer(&stored), small_bytes);
    cs_map_free(&map);

    stored.len = 0;
    make_map(extreme, LENGTH(extreme), &map);
    assert_ok(cs_map_encode(&map, &stored, &err), &err);
    assert_same_bytes(slice_of_buffer(&stored), extreme_bytes);
    cs_map_free(&map);
    cs_buffer_free(&stored);
}

/* Damaged bytes and a part of the message. */
typedef struct damaged
{
    const char *what;
    cs_slice bytes;
    const char *message;
} damaged;

/* A literal as bytes; it may hold NULs. */
#define BYTES(text) ((cs_slice){text, sizeof(text) - 1})

static void
test_damage_is_named(void **state)
{
    static const damaged cases[] = {
        {"empty", BYTES(""), "too short"},
        {"version only", BYTES("\x01"), "too short"},
        {"version 0", BYTES("\0\0"), "version 0, this build reads version 1"},
        {"version 2", BYTES("\x02\0"), "version 2, this build reads version 1"},
        {"count over the pairs", BYTES("\x01\x02\x02\x14"), "number of pairs"},
        {"count of all ones", BYTES("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         "number of pairs"},
        {"count of 2^63 pairs", BYTES("\x01\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
         "number of pairs"},
        {"count padded", BYTES("\x01\x80\x00"), "canonical"},
        {"count under the pairs", BYTES("\x01\x01\x02\x14\x00\x02"), "bytes follow"},
        {"pair cut", BYTES("\x01\x01\x02\x80"), "last pair"},
        {"campaign cut", BYTES("\x01\x01\x80\x80"), "last pair"},
        {"id over 64 bits", BYTES("\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00"),
         "last pair"},
        {"id padded", BYTES("\x01\x01\x82\x00\x14"), "canonical"},
        {"pair twice", BYTES("\x01\x02\x02\x14\x00\x00"), "order"},
        {"rewards out of order", BYTES("\x01\x02\x02\x14\x00\x01"), "order"},
        {"campaigns out of order", BYTES("\x01\x02\x02\x14\x01\x02"), "order"},
    };

    (void) state;
    for (size_t i = 0; i < LENGTH(cases); i++)
    {
        cs_slice copy = test_exact_copy(cases[i].bytes);
        cs_error err;

        assert_outcome(cs_map_check(cs_malloc_env(), copy, &err), CS_ERR_DATA, &err,
                       cases[i].message, cases[i].what);
        test_exact_free(copy);
    }
}

/* Check bytes that may or may not be a map; what is accepted must encode to the same bytes. */
static bool
check_hostile(cs_slice bytes)
{
    cs_slice copy = test_exact_copy(bytes);
    cs_map map;
    cs_error err;
    cs_code code = cs_map_check(cs_malloc_env(), copy, &err);

    cs_map_init(&map, cs_malloc_env());
    if (code == CS_OK)
    {
        cs_buffer again;

        cs_buffer_init(&again, cs_malloc_env());
        assert_ok(cs_map_decode(&map, copy, &err), &err);
        assert_ok(cs_map_encode(&map, &again, &err), &err);
        assert_same_bytes(slice_of_buffer(&again), copy);
        cs_buffer_free(&again);
    }
    else
    {
        assert_code(code, CS_ERR_DATA, &err);
        cs_map_decode(&map, copy, &err);
    }
    cs_map_free(&map);
    test_exact_free(copy);
    return code == CS_OK;
}

/* Flip every bit, cut at every length, append a byte. */
static void
mutate_map(cs_slice good)
{
    cs_slice copy = {malloc(good.len + 1), good.len};
    uint8_t *bytes = (uint8_t *) copy.data;

    assert_non_null(bytes);
    memcpy(bytes, good.data, good.len);
    bytes[good.len] = 0;
    assert_true(check_hostile(copy));
    for (size_t i = 0; i < good.len; i++)
    {
        for (int bit = 0; bit < 8; bit++)
        {
            bytes[i] ^= (uint8_t) (1 << bit);
            check_hostile(copy);
            bytes[i] = (uint8_t) good.data[i];
        }
        assert_false(check_hostile((cs_slice){copy.data, i}));
    }
    assert_false(check_hostile((cs_slice){copy.data, good.len + 1}));
    free(bytes);
}

static void
test_mutated_maps(void **state)
{
    test_random random;

    (void) state;
    test_random_start(&random, "mutated maps");
    for (size_t i = 0; i < test_rounds(50); i++)
    {
        cs_pair pairs[MAX_PAIRS];
        size_t count = (size_t) test_random_below(&random, 20);
        cs_buffer stored;
        cs_map map;
        cs_error err;

        for (size_t j = 0; j < count; j++)
            pairs[j] = (cs_pair){(int64_t) test_random_below(&random, 5),
                                 (int64_t) test_random_next(&random)};
        make_map(pairs, count, &map);
        cs_buffer_init(&stored, cs_malloc_env());
        assert_ok(cs_map_encode(&map, &stored, &err), &err);
        mutate_map(slice_of_buffer(&stored));
        cs_buffer_free(&stored);
        cs_map_free(&map);
    }
}

static void
test_random_bytes(void **state)
{
    test_random random;
    size_t taken = 0;

    (void) state;
    test_random_start(&random, "random bytes");
    for (size_t i = 0; i < test_rounds(50000); i++)
    {
        uint8_t bytes[24];
        size_t len = (size_t) test_random_below(&random, sizeof(bytes) + 1);

        for (size_t j = 0; j < len; j++)
            bytes[j] = (uint8_t) (test_random_next(&random) >> test_random_below(&random, 8));
        bytes[0] = CS_MAP_VERSION;
        if (len >= 2)
            bytes[1] = (uint8_t) test_random_below(&random, len / 2);
        taken += check_hostile((cs_slice){(const char *) bytes, len});
    }
    assert_true(taken > 0); /* else the bytes are not hostile enough */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_maps),  cmocka_unit_test(test_random_ids),
        cmocka_unit_test(test_empty_map),    cmocka_unit_test(test_golden_bytes),
        cmocka_unit_test(test_mutated_maps), cmocka_unit_test(test_damage_is_named),
        cmocka_unit_test(test_random_bytes),
    };

    return cmocka_run_group_tests_name("session_map", tests, NULL, NULL);
}
