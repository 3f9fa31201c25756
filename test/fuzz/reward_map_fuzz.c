/*
 * test/fuzz/reward_map_fuzz.c
 *     The input of reward_map where it begins as JSON does, else what reward_map_recv takes.
 */
#include "fuzz.h"

#include "session_text.h"

#define MAX_ASKED 100

/* Check that a map finds each of its pairs, and none beside them. */
static void
check_found(const cs_map *map)
{
    size_t start, end, position;

    for (size_t i = 0; i < map->count && i < MAX_ASKED; i++)
    {
        const cs_pair *pair = &map->pairs[i];

        fuzz_check(i == 0 || map->pairs[i - 1].campaign < pair->campaign ||
                   (map->pairs[i - 1].campaign == pair->campaign &&
                    map->pairs[i - 1].reward < pair->reward));
        cs_map_range(map, pair->campaign, &start, &end);
        fuzz_check(start <= i && i < end && end <= map->count);
        fuzz_check(cs_map_find(map, start, end, pair->reward, &position) && position == i);
    }
}

/* Check a sorted map: stored and as text it is the same. */
static void
check_map(cs_map *map)
{
    cs_buffer stored, text, again;
    cs_map back, read;
    cs_error err;

    cs_buffer_init(&stored, fuzz_env());
    cs_buffer_init(&text, fuzz_env());
    cs_buffer_init(&again, fuzz_env());
    cs_map_init(&back, fuzz_env());
    cs_map_init(&read, fuzz_env());
    check_found(map);
    fuzz_check_ok(cs_map_encode(map, &stored, &err), &err, "encoding");
    fuzz_check_ok(cs_map_check(fuzz_env(), fuzz_slice(&stored), &err), &err, "checking");
    fuzz_check_ok(cs_map_decode(&back, fuzz_slice(&stored), &err), &err, "decoding");
    fuzz_check_ok(cs_map_index(&back, &err), &err, "the index");
    check_found(&back);
    fuzz_check_ok(cs_map_to_json(&back, &text, &err), &err, "as text");
    fuzz_check_ok(cs_map_from_json(&read, fuzz_slice(&text), &err), &err, "from text");
    fuzz_check_ok(cs_map_encode(&read, &again, &err), &err, "encoding again");
    fuzz_check_same(fuzz_slice(&again), fuzz_slice(&stored), "through text");
    cs_map_free(&read);
    cs_map_free(&back);
    cs_buffer_free(&again);
    cs_buffer_free(&text);
    cs_buffer_free(&stored);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    bool is_text = size > 0 && data[0] >= ' ';
    cs_slice given = fuzz_take_rest(&input);
    cs_buffer again;
    cs_map map;
    cs_error err;
    cs_code code;

    cs_map_init(&map, fuzz_env());
    code = is_text ? cs_map_from_json(&map, given, &err) : cs_map_check(fuzz_env(), given, &err);
    if (code == CS_OK && !is_text)
    {
        fuzz_check_ok(cs_map_decode(&map, given, &err), &err, "decoding");
        cs_buffer_init(&again, fuzz_env());
        fuzz_check_ok(cs_map_encode(&map, &again, &err), &err, "encoding");
        fuzz_check_same(fuzz_slice(&again), given, "encoded anew");
        cs_buffer_free(&again);
    }
    if (code == CS_OK)
        check_map(&map);
    else
        fuzz_check_error(code, &err);
    cs_map_free(&map);
    fuzz_free(given);
    return 0;
}
