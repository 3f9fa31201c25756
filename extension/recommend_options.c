/*
 * extension/recommend_options.c
 *     The options of recommender_fit and recommender_tune, from jsonb.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"

#include "nearest_name.h"
#include "recommend.h"

#define FOR_FIT 1
#define FOR_TUNE 2

typedef enum OptionKind
{
    OPTION_DOUBLE,
    OPTION_INT,  /* into an int */
    OPTION_SIZE, /* into a size_t */
    OPTION_NAME, /* into a char * */
    OPTION_METRIC
} OptionKind;

/* An option; the range is that of whole numbers, core checks the others. */
typedef struct Option
{
    const char *name;
    OptionKind kind;
    int where;
    size_t offset;
    int minimum;
    int maximum;
} Option;

static const Option known_options[] = {
    {"a", OPTION_DOUBLE, FOR_FIT, offsetof(RecommendOptions, fit.a)},
    {"b", OPTION_DOUBLE, FOR_FIT, offsetof(RecommendOptions, fit.b)},
    {"lambda", OPTION_DOUBLE, FOR_FIT, offsetof(RecommendOptions, fit.lambda)},
    {"p", OPTION_DOUBLE, FOR_FIT, offsetof(RecommendOptions, fit.p)},
    {"keep", OPTION_SIZE, FOR_FIT | FOR_TUNE, offsetof(RecommendOptions, fit.keep), 1, 1000000},
    {"min_users", OPTION_INT, FOR_FIT | FOR_TUNE, offsetof(RecommendOptions, min_users), 1,
     INT_MAX},
    {"max_items", OPTION_SIZE, FOR_FIT | FOR_TUNE, offsetof(RecommendOptions, fit.max_items), 1,
     1000000},
    {"threads", OPTION_INT, FOR_FIT | FOR_TUNE, offsetof(RecommendOptions, fit.threads), 1, 256},
    {"k", OPTION_INT, FOR_TUNE, offsetof(RecommendOptions, k), 1, INT_MAX},
    {"seed", OPTION_INT, FOR_TUNE, offsetof(RecommendOptions, seed), INT_MIN, INT_MAX},
    {"trials", OPTION_INT, FOR_TUNE, offsetof(RecommendOptions, trials), 1, INT_MAX},
    {"seconds", OPTION_DOUBLE, FOR_TUNE, offsetof(RecommendOptions, seconds)},
    {"share", OPTION_DOUBLE, FOR_TUNE, offsetof(RecommendOptions, share)},
    {"time_column", OPTION_NAME, FOR_TUNE, offsetof(RecommendOptions, time_column)},
    {"metric", OPTION_METRIC, FOR_TUNE, offsetof(RecommendOptions, by_recall)},
};

/* Report a key that is no option here, with the one that is meant or those that are. */
pg_noreturn static void
refuse_name(const char *name, int where)
{
    StringInfoData list;
    NearestName nearest;

    initStringInfo(&list);
    nearest_name_init(&nearest, name);
    for (size_t i = 0; i < lengthof(known_options); i++)
    {
        if ((known_options[i].where & where) == 0)
            continue;
        nearest_name_offer(&nearest, known_options[i].name);
        appendStringInfo(&list, "%s\"%s\"", list.len > 0 ? ", " : "", known_options[i].name);
    }
    ereport(ERROR,
            (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unrecognized option \"%s\"", name),
             nearest.match != NULL ? errhint("Perhaps you meant the option \"%s\".", nearest.match)
                                   : errhint("Valid options are %s.", list.data)));
}

/* The option of this name. */
static const Option *
find_option(const char *name, int where)
{
    for (size_t i = 0; i < lengthof(known_options); i++)
        if ((known_options[i].where & where) != 0 && strcmp(known_options[i].name, name) == 0)
            return &known_options[i];
    refuse_name(name, where);
}

/* The number that an option is set to. */
static double
take_number(const Option *option, const JsonbValue *value)
{
    if (value->type != jbvNumeric)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"%s\" must be a number", option->name)));
    return DatumGetFloat8(
        DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
}

/* The whole number that an option is set to, in its range. */
static int
take_integer(const Option *option, const JsonbValue *value)
{
    double number = take_number(option, value);

    if (!(number >= option->minimum && number <= option->maximum) || number != (int) number)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"%s\" must be a whole number from %d to %d", option->name,
                               option->minimum, option->maximum)));
    return (int) number;
}

/* The text that an option is set to. */
static char *
take_text(const Option *option, const JsonbValue *value)
{
    if (value->type != jbvString)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"%s\" must be a string", option->name)));
    return pnstrdup(value->val.string.val, value->val.string.len);
}

/* Whether the metric is recall. */
static bool
take_metric(const Option *option, const JsonbValue *value)
{
    char *text = take_text(option, value);
    bool by_recall = strcmp(text, "recall") == 0;

    if (!by_recall && strcmp(text, "ndcg") != 0)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"%s\" must be \"ndcg\" or \"recall\", not \"%s\"",
                               option->name, text)));
    return by_recall;
}

/* Set an option. */
static void
set_option(RecommendOptions *options, const Option *option, const JsonbValue *value)
{
    void *field = (char *) options + option->offset;

    switch (option->kind)
    {
        case OPTION_DOUBLE:
            *(double *) field = take_number(option, value);
            break;
        case OPTION_INT:
            *(int *) field = take_integer(option, value);
            break;
        case OPTION_SIZE:
            *(size_t *) field = (size_t) take_integer(option, value);
            break;
        case OPTION_NAME:
            *(char **) field = take_text(option, value);
            break;
        case OPTION_METRIC:
            *(bool *) field = take_metric(option, value);
            break;
    }
}

/* Check what is not checked elsewhere. */
static void
check_options(const RecommendOptions *options)
{
    cs_error err;

    bridge_check(cs_fit_check(&options->fit, &err), &err);
    if (!(options->share > 0 && options->share < 1))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"share\" must be above 0 and below 1")));
    if (!(options->seconds >= 0))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("option \"seconds\" must not be negative")));
}

void
recommend_options_read(RecommendOptions *options, const Jsonb *given, bool tune)
{
    int where = tune ? FOR_TUNE : FOR_FIT;
    JsonbIterator *iterator;
    JsonbIteratorToken token;
    JsonbValue key, value;

    *options = (RecommendOptions){.fit = cs_fit_defaults(),
                                  .min_users = 1,
                                  .k = 20,
                                  .trials = INT_MAX,
                                  .seconds = 60,
                                  .share = 0.1};
    if (!JB_ROOT_IS_OBJECT(given))
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("options must be a JSON object")));
    iterator = JsonbIteratorInit((JsonbContainer *) &given->root);
    while ((token = JsonbIteratorNext(&iterator, &key, true)) != WJB_DONE)
    {
        if (token != WJB_KEY)
            continue;
        JsonbIteratorNext(&iterator, &value, true);
        set_option(options, find_option(pnstrdup(key.val.string.val, key.val.string.len), where),
                   &value);
    }
    check_options(options);
}

Datum
recommend_options_write(const cs_fit_options *fit, int min_users)
{
    char *json = psprintf("{\"a\":%g,\"b\":%g,\"lambda\":%g,\"p\":%g,\"keep\":%zu,"
                          "\"min_users\":%d}",
                          fit->a, fit->b, fit->lambda, fit->p, fit->keep, min_users);

    return DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
}
