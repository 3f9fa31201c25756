/*
 * test/fuzz/follow_state_fuzz.c
 *     The state of a log that is followed, as a segment's header holds it: what is read is
 *     written, and reads the same.
 */
#include "fuzz.h"

#include "follow_state.h"

/* Read a state; false where it is refused. */
static bool
read_state(follow_state *state, const char *text)
{
    follow_state_init(state);
    if (follow_state_parse(state, text, FUZZ_FILE_NAME) == STATUS_OK)
        return true;
    follow_state_free(state);
    return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    char *text = fuzz_take_text(&input), *once, *twice;
    follow_state state, again;

    if (read_state(&state, text))
    {
        fuzz_check(state.log != NULL);
        for (size_t i = 0; i < state.num_files; i++)
        {
            const follow_file *file = &state.files[i];

            fuzz_check(file->fd == -1 && file->name == NULL && file->mark.done > 0 &&
                       file->lines > 0);
            fuzz_check(strlen(file->mark.head) == FOLLOW_SUM_SIZE - 1);
            fuzz_check(strlen(file->mark.tail) == FOLLOW_SUM_SIZE - 1);
        }
        once = follow_state_text(&state);
        fuzz_check(once != NULL);
        fuzz_check(read_state(&again, once), "(%s)", once);
        twice = follow_state_text(&again);
        fuzz_check_same(cs_slice_of(once), cs_slice_of(twice), "written and read");
        free(once);
        free(twice);
        follow_state_free(&again);
        follow_state_free(&state);
    }
    free(text);
    return 0;
}
