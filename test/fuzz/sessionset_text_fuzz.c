/*
 * test/fuzz/sessionset_text_fuzz.c
 *     The input of sessionset: one text, or two with a NUL between, which are then merged.
 */
#include "states.h"

#include "session_text.h"

/* Read a text; false if it is refused. */
static bool
read_text(cs_slice text, cs_buffer *state)
{
    cs_history history;
    cs_error err;
    cs_code code;

    cs_buffer_init(state, fuzz_env());
    cs_history_init(&history, fuzz_env(), CS_DEFAULT_GAP);
    code = cs_history_from_json(&history, text, &err);
    if (code == CS_OK)
    {
        fuzz_check_ok(cs_history_encode(&history, state, &err), &err, "encoding");
        fuzz_check_ok(cs_state_check(fuzz_env(), fuzz_slice(state), &err), &err, "checking");
        states_check(fuzz_slice(state));
    }
    else
        fuzz_check_error(code, &err);
    cs_history_free(&history);
    return code == CS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    cs_slice texts[2] = {fuzz_take_part(&input), fuzz_take_rest(&input)};
    cs_buffer states[2];
    bool good = true;

    for (int i = 0; i < 2; i++)
        good &= read_text(texts[i], &states[i]);
    if (good)
        states_check_merge(fuzz_slice(&states[0]), fuzz_slice(&states[1]));
    for (int i = 0; i < 2; i++)
    {
        cs_buffer_free(&states[i]);
        fuzz_free(texts[i]);
    }
    return 0;
}
