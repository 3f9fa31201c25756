/*
 * core/recommend_score.c
 *     Sums over rows of weights; the best n by a heap.
 */
#include "recommend_score.h"

void
cs_scores_free(cs_scores *scores)
{
    cs_release(scores->env, scores->sums);
    cs_release(scores->env, scores->skipped);
    cs_release(scores->env, scores->ranked);
    *scores = (cs_scores){.env = scores->env};
}

cs_code
cs_scores_init(cs_scores *scores, const cs_env *env, size_t num_items, cs_error *err)
{
    size_t item_bytes = sizeof(double) + sizeof(uint8_t) + sizeof(cs_ranked);

    *scores = (cs_scores){.env = env, .num_items = num_items};
    if (num_items > SIZE_MAX / item_bytes)
        return cs_fail_memory(err, SIZE_MAX);
    scores->sums = cs_allocate(env, num_items * sizeof(double));
    scores->skipped = cs_allocate(env, num_items);
    scores->ranked = cs_allocate(env, num_items * sizeof(cs_ranked));
    if (scores->sums != NULL && scores->skipped != NULL && scores->ranked != NULL)
    {
        cs_scores_start(scores);
        return CS_OK;
    }
    cs_scores_free(scores);
    return cs_fail_memory(err, num_items * item_bytes);
}

void
cs_scores_start(cs_scores *scores)
{
    memset(scores->sums, 0, scores->num_items * sizeof(double));
    memset(scores->skipped, 0, scores->num_items);
    scores->num_ranked = 0;
}

/* Report a row that does not belong to the model. */
static cs_code
fail_target(int32_t target, size_t num_items, cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "damaged model: item %d of %zu", target, num_items);
}

cs_code
cs_scores_add(cs_scores *scores, const cs_model_row *row, cs_error *err)
{
    for (size_t i = 0; i < row->count; i++)
    {
        int32_t target = row->targets[i];

        if ((uint32_t) target >= scores->num_items)
            return fail_target(target, scores->num_items, err);
        scores->sums[target] += row->weights[i];
    }
    return CS_OK;
}

void
cs_scores_prior(cs_scores *scores, const float *popular, size_t num_known)
{
    double k = CS_PRIOR_SHARE * CS_PRIOR_ITEMS / (CS_PRIOR_ITEMS + (double) num_known);

    if (num_known == 0)
        k = 1;
    for (size_t i = 0; i < scores->num_items; i++)
        scores->sums[i] += k * popular[i];
}

/* True if a is to be offered before b. */
static bool
is_better(cs_ranked a, cs_ranked b)
{
    return a.score > b.score || (a.score == b.score && a.item < b.item);
}

/* Let the entry at the top of the heap sink to its place; the worst one is on top. */
static void
sink(cs_ranked *heap, size_t count)
{
    cs_ranked moved = heap[0];
    size_t at = 0;

    for (;;)
    {
        size_t child = 2 * at + 1;

        if (child + 1 < count && is_better(heap[child], heap[child + 1]))
            child++;
        if (child >= count || !is_better(moved, heap[child]))
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
}

/* Let the entry at the end of the heap rise to its place. */
static void
rise(cs_ranked *heap, size_t at)
{
    cs_ranked moved = heap[at];

    while (at > 0 && is_better(heap[(at - 1) / 2], moved))
    {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = moved;
}

void
cs_scores_rank(cs_scores *scores, size_t n)
{
    cs_ranked *heap = scores->ranked;
    size_t count = 0;

    for (size_t i = 0; i < scores->num_items && n > 0; i++)
    {
        cs_ranked entry = {(int32_t) i, (float) scores->sums[i]};

        if (scores->skipped[i])
            continue;
        if (count < n)
        {
            heap[count] = entry;
            rise(heap, count++);
        }
        else if (is_better(entry, heap[0]))
        {
            heap[0] = entry;
            sink(heap, count);
        }
    }
    scores->num_ranked = count;
    while (count > 1)
    {
        cs_ranked worst = heap[0];

        heap[0] = heap[--count];
        sink(heap, count);
        heap[count] = worst;
    }
}

void
cs_reasons_free(cs_reasons *reasons)
{
    cs_release(reasons->env, reasons->places);
    cs_release(reasons->env, reasons->sources);
    *reasons = (cs_reasons){.env = reasons->env};
}

cs_code
cs_reasons_init(cs_reasons *reasons, const cs_scores *scores, cs_error *err)
{
    size_t sources_bytes = scores->num_ranked * CS_MAX_REASONS * sizeof(cs_ranked);

    *reasons = (cs_reasons){
        .env = scores->env, .num_items = scores->num_items, .num_ranked = scores->num_ranked};
    reasons->places = cs_allocate(scores->env, scores->num_items * sizeof(int32_t));
    reasons->sources = cs_allocate(scores->env, sources_bytes);
    if (reasons->places == NULL || reasons->sources == NULL)
    {
        cs_reasons_free(reasons);
        return cs_fail_memory(err, sources_bytes);
    }
    memset(reasons->sources, 0, sources_bytes);
    for (size_t i = 0; i < scores->num_items; i++)
        reasons->places[i] = -1;
    for (size_t i = 0; i < scores->num_ranked; i++)
        reasons->places[scores->ranked[i].item] = (int32_t) i;
    return CS_OK;
}

/* Insert a source into the best of a place. */
static void
insert_source(cs_ranked *best, cs_ranked source)
{
    for (size_t i = 0; i < CS_MAX_REASONS; i++)
        if (best[i].score <= 0 || is_better(source, best[i]))
        {
            cs_ranked kept = best[i];

            best[i] = source;
            source = kept;
        }
}

cs_code
cs_reasons_add(cs_reasons *reasons, int32_t source, const cs_model_row *row, cs_error *err)
{
    /* what is not above 0 stands at the end */
    for (size_t i = 0; i < row->count && row->weights[i] > 0; i++)
    {
        int32_t target = row->targets[i], place;

        if ((uint32_t) target >= reasons->num_items)
            return fail_target(target, reasons->num_items, err);
        place = reasons->places[target];
        if (place >= 0)
            insert_source(reasons->sources + (size_t) place * CS_MAX_REASONS,
                          (cs_ranked){source, row->weights[i]});
    }
    return CS_OK;
}

size_t
cs_reasons_of(const cs_reasons *reasons, size_t place, const cs_ranked **sources)
{
    size_t count = 0;

    *sources = reasons->sources + place * CS_MAX_REASONS;
    while (count < CS_MAX_REASONS && (*sources)[count].score > 0)
        count++;
    return count;
}
