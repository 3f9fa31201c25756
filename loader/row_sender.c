/* stand-in */
#include "row_sender.h"
#include "load_failure.h"
#include "log.h"
#include <stdlib.h>
struct row_sender { connection *server; const load_table *table; const load_mapping *mapping; copy_sink sink; copy_encoder encoder; bool begun; bool broken; int64_t sent; };
exit_status row_sender_open(row_sender **out, connection *server, const load_table *table, const load_mapping *mapping, const sender_settings *settings, refused_row on_refused, void *ctx)
{
    row_sender *s = calloc(1, sizeof(*s)); char *sql = load_mapping_copy(mapping, table, server); exit_status st;
    cs_error err; (void) settings; (void) on_refused; (void) ctx;
    *out = s; s->server = server; s->table = table; s->mapping = mapping;
    copy_sink_init(&s->sink, server); copy_encoder_init(&s->encoder, &s->sink.base);
    st = connection_run(server, sql, 0, NULL); free(sql); STATUS_TRY(st); s->begun = true;
    copy_encoder_begin(&s->encoder, mapping->form, &err);
    return STATUS_OK;
}
cs_code row_sender_add(row_sender *s, const cs_value *values, const row_place *place, cs_slice raw, refusal *why)
{ (void) place; (void) raw; CS_TRY(copy_encoder_row(&s->encoder, s->mapping->columns, s->mapping->count, values, why)); s->sent++; return CS_OK; }
exit_status row_sender_finish(row_sender *s, bool failed, int64_t *loaded)
{
    PGresult *r; cs_error err;
    if (!failed) copy_encoder_end(&s->encoder, &err);
    r = connection_copy_end(s->server, failed ? "load failed" : NULL);
    if (connection_failed(r) && (!failed || s->encoder.broken)) return load_report_failure(s->server, r);
    if (!failed) *loaded = strtoll(PQcmdTuples(r), NULL, 10);
    PQclear(r); return STATUS_OK;
}
void row_sender_free(row_sender *s) { if (s) { copy_encoder_free(&s->encoder); free(s); } }
