/*
 * loader/report_chart.c
 *     A chart of columns as SVG, and its numbers as the rows of a table.
 *
 * Shapes are drawn in a box of CHART_WIDTH by CHART_HEIGHT, which the page stretches to
 * whatever room there is; so all text is outside of it, or placed by per cent.
 */
#include "report_html.h"

#include "html_text.h"

#define CHART_WIDTH 10000
#define CHART_HEIGHT 1000
#define MAX_COLUMN (CHART_WIDTH / 12) /* few columns are not made wider */
#define MAX_TICKS 4

/* The distance of grid lines: 1, 2 or 5 times a power of ten. */
static int64_t
tick_step(int64_t highest)
{
    static const int factors[] = {1, 2, 5};

    for (int64_t power = 1;; power *= 10)
        for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++)
            if (highest <= power * factors[i] * MAX_TICKS || power > INT64_MAX / 100)
                return power * factors[i];
}

/* The bin with the most sessions; of equals the first. */
static size_t
find_highest(const column_chart *chart)
{
    size_t highest = 0;

    for (size_t i = 1; i < chart->count; i++)
        if (chart->bins[i].sessions > chart->bins[highest].sessions)
            highest = i;
    return highest;
}

/* Append the numbers left of the grid lines. */
static cs_code
append_scale(cs_buffer *out, int64_t step, int64_t ticks, cs_error *err)
{
    CS_TRY(cs_buffer_printf(out, err, "<div class=\"scale\" aria-hidden=\"true\">"));
    for (int64_t i = 0; i <= ticks; i++)
    {
        CS_TRY(cs_buffer_printf(out, err, "<span>"));
        CS_TRY(html_append_number(out, i * step, err));
        CS_TRY(cs_buffer_printf(out, err, "</span>"));
    }
    return cs_buffer_printf(out, err, "</div>\n");
}

/* Append a rectangle of a column's, standing on y. */
static cs_code
append_rect(cs_buffer *out, const char *class, size_t column, size_t count, const double heights[2],
            cs_error *err)
{
    double slot = (double) CHART_WIDTH / (double) count;
    double width = slot * 0.8 < MAX_COLUMN ? slot * 0.8 : MAX_COLUMN;

    return cs_buffer_printf(
        out, err, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>",
        class, (double) column * slot + (slot - width) / 2, CHART_HEIGHT * (1 - heights[1]), width,
        CHART_HEIGHT * (heights[1] - heights[0]));
}

/* Append a column: a name for the pointer, driven sessions below, the others above. */
static cs_code
append_column(cs_buffer *out, const column_chart *chart, size_t i, int64_t top, cs_error *err)
{
    const timeline_bin *bin = &chart->bins[i];
    double driven = (double) bin->driven / (double) top;
    double sessions = (double) bin->sessions / (double) top;
    char label[TIMELINE_LABEL_SIZE];

    if (bin->sessions == 0)
        return CS_OK;
    chart->label(chart->ctx, i, label);
    CS_TRY(cs_buffer_printf(out, err, "<g class=\"column\"><title>%s: ", label));
    CS_TRY(html_append_number(out, bin->sessions, err));
    CS_TRY(cs_buffer_printf(out, err, bin->sessions == 1 ? " session, " : " sessions, "));
    CS_TRY(html_append_number(out, bin->driven, err));
    CS_TRY(cs_buffer_printf(out, err, " driven</title>"));
    CS_TRY(append_rect(out, "slot", i, chart->count, (double[2]){0, 1}, err));
    CS_TRY(append_rect(out, "s", i, chart->count, (double[2]){driven, sessions}, err));
    if (bin->driven > 0)
        CS_TRY(append_rect(out, "d", i, chart->count, (double[2]){0, driven}, err));
    return cs_buffer_printf(out, err, "</g>\n");
}

/* Append what a screen reader says in place of the chart. */
static cs_code
append_description(cs_buffer *out, const column_chart *chart, cs_error *err)
{
    size_t highest = find_highest(chart);
    char label[TIMELINE_LABEL_SIZE];

    chart->label(chart->ctx, highest, label);
    CS_TRY(cs_buffer_printf(out, err,
                            "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" role=\"img\" "
                            "aria-labelledby=\"%s-title %s-desc\">\n",
                            CHART_WIDTH, CHART_HEIGHT, chart->id, chart->id));
    CS_TRY(cs_buffer_printf(out, err, "<title id=\"%s-title\">Sessions by %s</title>\n", chart->id,
                            chart->unit));
    CS_TRY(cs_buffer_printf(out, err,
                            "<desc id=\"%s-desc\">One column for each %s, those driven by a view "
                            "at its foot. The highest is %s with ",
                            chart->id, chart->unit, label));
    CS_TRY(html_append_number(out, chart->bins[highest].sessions, err));
    return cs_buffer_printf(out, err, ". All numbers are in the table below.</desc>\n");
}

/* Append the labels below the columns. */
static cs_code
append_axis(cs_buffer *out, const column_chart *chart, cs_error *err)
{
    char label[TIMELINE_LABEL_SIZE];

    CS_TRY(cs_buffer_printf(out, err, "<svg class=\"axis\" aria-hidden=\"true\">\n"));
    for (size_t i = 0; i < chart->count; i += (size_t) chart->label_step)
    {
        double at = 100.0 * ((double) i + 0.5) / (double) chart->count;
        const char *anchor = at < 10 ? "start" : at > 90 ? "end" : "middle";

        chart->axis_label(chart->ctx, i, label);
        if (at < 10)
            at = 0;
        CS_TRY(cs_buffer_printf(out, err,
                                "<text x=\"%.2f%%\" y=\"1.1em\" text-anchor=\"%s\">%s</text>\n",
                                at > 90 ? 100.0 : at, anchor, label));
    }
    return cs_buffer_printf(out, err, "</svg>\n");
}

cs_code
column_chart_append_rows(cs_buffer *out, const column_chart *chart, cs_error *err)
{
    char label[TIMELINE_LABEL_SIZE];

    for (size_t i = 0; i < chart->count; i++)
    {
        chart->label(chart->ctx, i, label);
        CS_TRY(cs_buffer_printf(out, err, "<tr><th scope=\"row\">%s</th><td>", label));
        CS_TRY(html_append_number(out, chart->bins[i].sessions, err));
        CS_TRY(cs_buffer_printf(out, err, "</td><td>"));
        CS_TRY(html_append_number(out, chart->bins[i].driven, err));
        CS_TRY(cs_buffer_printf(out, err, "</td></tr>\n"));
    }
    return CS_OK;
}

cs_code
column_chart_append(cs_buffer *out, const column_chart *chart, cs_error *err)
{
    int64_t highest = chart->count > 0 ? chart->bins[find_highest(chart)].sessions : 0;
    int64_t step = tick_step(highest);
    int64_t ticks = (highest + step - 1) / step;

    if (highest == 0)
        return cs_buffer_printf(out, err, "<p class=\"note\">No sessions.</p>\n");
    CS_TRY(append_scale(out, step, ticks, err));
    CS_TRY(append_description(out, chart, err));
    for (int64_t i = 1; i <= ticks; i++)
    {
        double y = CHART_HEIGHT * (1 - (double) i / (double) ticks);

        CS_TRY(cs_buffer_printf(out, err,
                                "<line class=\"grid\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n",
                                CHART_WIDTH, y, y));
    }
    for (size_t i = 0; i < chart->count; i++)
        CS_TRY(append_column(out, chart, i, ticks * step, err));
    CS_TRY(cs_buffer_printf(out, err,
                            "<line class=\"base\" x2=\"%d\" y1=\"%d\" y2=\"%d\"/>\n</svg>\n",
                            CHART_WIDTH, CHART_HEIGHT, CHART_HEIGHT));
    return append_axis(out, chart, err);
}
