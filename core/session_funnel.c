/*
 * core/session_funnel.c
 *     How far each session went through a row of steps.
 */
#include "session_funnel.h"

cs_code
cs_funnel_open(const cs_env *env, cs_slice state, const cs_step *steps, size_t num_steps,
               cs_funnel_reader *reader, cs_error *err)
{
    *reader = (cs_funnel_reader){.env = env, .steps = steps, .num_steps = num_steps};
    CS_TRY(cs_state_open(state, &reader->state, err));
    CS_TRY(cs_state_next(&reader->state, &reader->ahead, err));
    reader->has_ahead = true;
    return CS_OK;
}

void
cs_funnel_close(cs_funnel_reader *reader)
{
    cs_release(reader->env, reader->reached);
}

/* True if the event ahead takes the next step. */
static bool
takes_step(const cs_funnel_reader *reader)
{
    const cs_event *event = &reader->ahead;
    const cs_step *step;

    if (reader->num_reached == reader->num_steps)
        return false;
    step = &reader->steps[reader->num_reached];
    if (event->kind != step->kind || (!step->any_id && event->id != step->id))
        return false;
    return reader->num_reached == 0 || event->time > reader->reached[reader->num_reached - 1];
}

/* Note that the event ahead took a step. */
static cs_code
take_step(cs_funnel_reader *reader, cs_error *err)
{
    CS_TRY(cs_grow_array(reader->env, (void **) &reader->reached, &reader->capacity,
                         reader->num_reached + 1, sizeof(cs_time), err));
    reader->reached[reader->num_reached++] = reader->ahead.time;
    return CS_OK;
}

cs_code
cs_funnel_next(cs_funnel_reader *reader, cs_error *err)
{
    cs_time before;

    if (!reader->has_ahead)
        return CS_END;
    reader->start = reader->ahead.time;
    reader->num_reached = 0;
    do
    {
        cs_code code;

        if (takes_step(reader))
            CS_TRY(take_step(reader, err));
        if (reader->state.left % CS_POLL_ITEMS == 0)
            CS_TRY(cs_poll(reader->env, err));
        before = reader->ahead.time;
        code = cs_state_next(&reader->state, &reader->ahead, err);
        if (code == CS_END)
            reader->has_ahead = false;
        else if (code != CS_OK)
            return code;
    } while (reader->has_ahead && cs_gap_spans(reader->state.gap, before, reader->ahead.time));
    return CS_OK;
}
