/*
 * test/fuzz/sessionset_binary_fuzz.c
 *     What sessionset_recv takes: a byte, the length of a first state, and the bytes of
 *     two; merged where both are accepted.
 */
#include "states.h"

#include "session_run.h"
#include "session_history.h"

/* Check bytes as a state; false if they are refused. */
static bool
take_state(cs_slice state)
{
    cs_history history;
    cs_error err;
    cs_code code = cs_state_check(fuzz_env(), state, &err);

    if (code == CS_OK)
        states_check(state);
    else
        fuzz_check_error(code, &err);
    /* what travels between processes is not checked so, and yet may not crash */
    cs_history_init(&history, fuzz_env(), CS_DEFAULT_GAP);
    if (cs_history_unpack(&history, state, &err) != CS_OK)
        fuzz_check_error(err.code, &err);
    return code == CS_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    size_t len = fuzz_take_byte(&input);
    size_t left = (size_t) (input.end - input.at);
    fuzz_input first = {input.at, input.at + (len < left ? len : left)};
    fuzz_input second = {first.end, input.end};
    cs_slice states[2] = {fuzz_take_rest(&first), fuzz_take_rest(&second)};
    bool good = true;

    for (int i = 0; i < 2; i++)
        good &= take_state(states[i]);
    if (good)
        states_check_merge(states[0], states[1]);
    fuzz_free(states[0]);
    fuzz_free(states[1]);
    return 0;
}
