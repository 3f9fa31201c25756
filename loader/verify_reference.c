/*
 * loader/verify_reference.c
 *     The second opinion: avro-c reads the file, too, and all values are compared.
 *
 * avro-c can crash or loop on files that are sound, so a child process of its
 * own does this: it reads the file both ways, record by record, and says in
 * shared memory how far it has come. The parent watches. The types are compared
 * without their logical types, which avro-c does not know.
 */
#include "verify.h"

#include "avro_peer.h"
#include "log.h"
#include "output.h"
#include "stop.h"

#include <inttypes.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_MILLISECONDS 1000
#define MAX_IDLE_WATCHES 60 /* without a record, before avro-c is taken to hang */

typedef enum reference_outcome
{
    OUTCOME_NONE, /* the child did not live to tell */
    OUTCOME_SAME,
    OUTCOME_DIFFERENT,
    OUTCOME_NOT_OPENED, /* avro-c does not take the schema */
    OUTCOME_FAILED      /* for reasons that have been reported: exit status */
} reference_outcome;

/* What the child is told, and tells; shared. */
typedef struct reference_state
{
    int64_t max_block_bytes;
    _Atomic int64_t records; /* compared so far */
    reference_outcome outcome;
    exit_status status;
    char message[CS_ERROR_MESSAGE_SIZE + 160]; /* with column and record */
} reference_state;

/* Both readers. */
typedef struct comparison
{
    record_file input;
    cs_avro_schema *schema; /* the file's without logical types */
    cs_avro_plan *plan;
    cs_value *values;
    avro_file_reader_t peer;
    avro_value_iface_t *peer_class;
    avro_value_t peer_record;
} comparison;

static json_t *without_logical(const json_t *type);

/* The fields of a record without their logical types. */
static json_t *
fields_without_logical(const json_t *fields)
{
    json_t *result = json_array();
    const json_t *field;
    size_t i;

    json_array_foreach(fields, i, field)
    {
        json_t *copy = json_copy((json_t *) field);

        json_object_set_new(copy, "type", without_logical(json_object_get(field, "type")));
        json_array_append_new(result, copy);
    }
    return result;
}

/* A type without its logical type, nor those of the types that it is made of. */
static json_t *
without_logical(const json_t *type)
{
    static const char *const inner[] = {"type", "items", "values"};
    json_t *result;
    const json_t *branch;
    size_t i;

    if (json_is_array(type))
    {
        result = json_array();
        json_array_foreach(type, i, branch)
        {
            json_array_append_new(result, without_logical(branch));
        }
        return result;
    }
    result = json_copy((json_t *) type);
    if (!json_is_object(type))
        return result;
    json_object_del(result, "logicalType");
    for (i = 0; i < sizeof(inner) / sizeof(inner[0]); i++)
        if (json_object_get(type, inner[i]) != NULL)
            json_object_set_new(result, inner[i], without_logical(json_object_get(type, inner[i])));
    if (json_is_array(json_object_get(type, "fields")))
        json_object_set_new(result, "fields",
                            fields_without_logical(json_object_get(type, "fields")));
    return result;
}

/* Make the schema that both can be read by. */
static exit_status
make_schema(comparison *both)
{
    const cs_avro_schema *own = cs_avro_reader_schema(both->input.reader);
    json_t *json = json_loadb(own->json, own->json_len, JSON_DECODE_ANY, NULL);
    json_t *plain = json != NULL ? without_logical(json) : NULL;
    char *text = plain != NULL ? json_dumps(plain, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    exit_status status = STATUS_OK;
    cs_error err;

    json_decref(json);
    json_decref(plain);
    if (text == NULL)
        status = log_out_of_memory();
    else if (cs_avro_schema_parse(loader_env(), text, strlen(text), &both->schema, &err) != CS_OK)
        status = log_core_error(&err, both->input.file.name);
    free(text);
    return status;
}

/* Open our side. */
static exit_status
open_own(comparison *both, const char *name, int64_t max_block_bytes)
{
    exit_status status;
    size_t count;
    int *wanted;

    STATUS_TRY(record_file_open(&both->input, name, max_block_bytes));
    STATUS_TRY(make_schema(both));
    count = both->schema->num_fields;
    wanted = record_all_columns(count);
    both->values = calloc(count + 1, sizeof(cs_value));
    if (wanted == NULL || both->values == NULL)
        status = log_out_of_memory();
    else
        status = record_file_plan(&both->input, both->schema, wanted, count, &both->plan);
    both->input.plan = both->plan;
    free(wanted);
    return status;
}

/* Open avro-c's side; false if it does not take the file. */
static bool
open_peer(comparison *both, const char *name)
{
    avro_schema_t schema;

    if (avro_file_reader(name, &both->peer) != 0)
        return false;
    schema = avro_file_reader_get_writer_schema(both->peer);
    both->peer_class = avro_generic_class_from_schema(schema);
    return both->peer_class != NULL &&
           avro_generic_value_new(both->peer_class, &both->peer_record) == 0;
}

/* Compare one column of the record that both have read. */
static cs_code
compare_column(comparison *both, size_t column, cs_error *err)
{
    cs_value *own = &both->values[column];
    avro_value_t peer = both->peer_record;

    if (both->schema->root->type == CS_AVRO_RECORD)
        avro_value_get_by_index(&both->peer_record, column, &peer, NULL);
    CS_TRY(cs_avro_cursor_finish(&both->input.cursor, column, own, err));
    return avro_peer_compare(both->plan, own, &peer, err);
}

/* Note what is wrong with a record; column -1: all of it. */
static void
note_difference(const comparison *both, int column, const char *text, reference_state *state)
{
    const char *name = column >= 0 ? both->schema->fields[column].name : NULL;

    state->outcome = OUTCOME_DIFFERENT;
    snprintf(state->message, sizeof(state->message), "%s%.80s%s%s (record %" PRId64 ")",
             name != NULL ? "column \"" : "", name != NULL ? name : "", name != NULL ? "\": " : "",
             text, state->records + 1);
}

/* Read the next record both ways and compare it; false at the end, or at a difference. */
static bool
compare_record(comparison *both, reference_state *state)
{
    cs_error err;
    cs_code code = record_file_next(&both->input, both->values, &err);
    int peer;

    if (code != CS_OK && code != CS_END)
    {
        state->outcome = OUTCOME_FAILED;
        state->status = record_file_fail(&both->input, &err);
        return false;
    }
    peer = avro_file_reader_read_value(both->peer, &both->peer_record);
    if (code == CS_END)
    {
        state->outcome = OUTCOME_SAME;
        if (peer == 0)
            note_difference(both, -1, "avro-c reads a record behind the last one", state);
        return false;
    }
    if (peer != 0)
    {
        snprintf(err.message, sizeof(err.message), "avro-c does not read this record: %.200s",
                 peer == EOF ? "it takes the file to end here" : avro_strerror());
        note_difference(both, -1, err.message, state);
        return false;
    }
    for (size_t i = 0; i < both->schema->num_fields; i++)
        if (compare_column(both, i, &err) != CS_OK)
        {
            note_difference(both, (int) i, err.message, state);
            return false;
        }
    state->records++;
    return true;
}

/* The child's work. What it allocates goes with it. */
static void
compare(const char *name, reference_state *state)
{
    comparison *both = calloc(1, sizeof(comparison));

    state->status =
        both != NULL ? open_own(both, name, state->max_block_bytes) : log_out_of_memory();
    if (state->status != STATUS_OK)
    {
        state->outcome = OUTCOME_FAILED;
        return;
    }
    if (!open_peer(both, name))
    {
        state->outcome = OUTCOME_NOT_OPENED;
        snprintf(state->message, sizeof(state->message), "%s", avro_strerror());
        return;
    }
    while (compare_record(both, state))
        ;
}

/* The child. Its end is seen by its end of the pipe being closed. */
static void __attribute__((noreturn))
run_child(const char *name, reference_state *state, int parent_end)
{
    const struct rlimit no_core = {0, 0};

    close(parent_end);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &no_core);
    signal(SIGABRT, SIG_DFL);
    compare(name, state);
    _exit(0);
}

/* Wait for the child; true if it was ended because nothing happened any more. */
static bool
watch_child(pid_t child, int end, const reference_state *state)
{
    int64_t seen = -1;
    int idle = 0;
    wait_result result;

    while ((result = wait_for(end, POLLIN, WATCH_MILLISECONDS)) == WAIT_TIMEOUT &&
           idle < MAX_IDLE_WATCHES)
    {
        idle = state->records == seen ? idle + 1 : 0;
        seen = state->records;
    }
    if (result != WAIT_READY)
        kill(child, SIGKILL);
    return result == WAIT_TIMEOUT;
}

/* Say how it went. */
static exit_status
report_outcome(const char *name, const reference_state *state, bool hung, int ended)
{
    cs_buffer out;
    cs_error err;
    exit_status status;

    if (hung || state->outcome == OUTCOME_NONE)
    {
        log_error("%s: avro-c %s at record %" PRId64 " of this file", name,
                  hung ? "did not go on for a minute" : "crashed", state->records + 1);
        if (WIFSIGNALED(ended) && !hung)
            log_detail("Its process was ended by signal %d (%s). The file itself is sound.",
                       WTERMSIG(ended), strsignal(WTERMSIG(ended)));
        return STATUS_REFUSED;
    }
    if (state->outcome == OUTCOME_FAILED)
        return state->status;
    if (state->outcome == OUTCOME_NOT_OPENED)
    {
        log_warning("%s: not compared: avro-c does not open it: %s", name, state->message);
        return STATUS_OK;
    }
    if (state->outcome == OUTCOME_DIFFERENT)
    {
        log_error("%s: %s", name, state->message);
        return STATUS_REFUSED;
    }
    cs_buffer_init(&out, loader_env());
    status = cs_buffer_printf(&out, &err, "%s: avro-c reads the same %" PRId64 " record%s\n", name,
                              state->records, state->records == 1 ? "" : "s") == CS_OK
                 ? output_write(&out)
                 : log_core_error(&err, NULL);
    cs_buffer_free(&out);
    return status;
}

/* Compare in a child process. */
static exit_status
compare_apart(const char *name, reference_state *state)
{
    int ends[2];
    int ended = 0;
    pid_t child;
    bool hung;

    if (pipe(ends) != 0)
    {
        log_error("could not create a pipe: %m");
        return STATUS_SERVER;
    }
    child = fork();
    if (child == 0)
        run_child(name, state, ends[0]);
    close(ends[1]);
    if (child < 0)
    {
        log_error("could not start a process: %m");
        close(ends[0]);
        return STATUS_SERVER;
    }
    hung = watch_child(child, ends[0], state);
    close(ends[0]);
    waitpid(child, &ended, 0);
    return stop_requested() ? STATUS_INTERRUPTED : report_outcome(name, state, hung, ended);
}

/* Why avro-c would misread the file, as is known of it; NULL if it should not. */
static const char *
known_gap(const record_file *input)
{
    cs_avro_codec codec = cs_avro_reader_codec(input->reader);
    cs_avro_position end;

    cs_avro_reader_tell(input->reader, &end);
    if (codec != CS_CODEC_NULL && codec != CS_CODEC_DEFLATE && codec != CS_CODEC_SNAPPY)
        return "avro-c does not have its codec";
    if (end.index != input->blocks)
        return "avro-c misreads files with empty blocks";
    return NULL;
}

exit_status
verify_reference(const record_file *input)
{
    const char *gap = known_gap(input);
    reference_state *state;
    exit_status status;

    if (gap != NULL)
    {
        log_warning("%s: not compared: %s", input->file.name, gap);
        return STATUS_OK;
    }
    state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (state == MAP_FAILED)
        return log_out_of_memory();
    state->max_block_bytes = (int64_t) cs_avro_reader_limits(input->reader)->max_block_bytes;
    status = compare_apart(input->file.name, state);
    munmap(state, sizeof(*state));
    return status;
}
