/*
 * extension/recommend_delete.c
 *     The trigger of recommender_model by which the rows of a model go with it.
 *
 * A foreign key would do that, too, but it also checks each row that is written. A parallel
 * pg_restore fills the tables of an extension in any order, with their keys already there.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"

#include "recommend.h"

PG_FUNCTION_INFO_V1(recommender_model_gone);

/* The number of a model that was deleted. */
static Datum
deleted_model(const TriggerData *trigger)
{
    TupleDesc desc = RelationGetDescr(trigger->tg_relation);
    int attribute = SPI_fnumber(desc, "model_id");
    bool is_null;
    Datum model_id;

    if (attribute <= 0 || SPI_gettypeid(desc, attribute) != INT8OID)
        elog(ERROR, "table \"%s\" has no models", RelationGetRelationName(trigger->tg_relation));
    model_id = SPI_getbinval(trigger->tg_trigtuple, desc, attribute, &is_null);
    if (is_null)
        elog(ERROR, "a model has no number");
    return model_id;
}

/* The trigger, with the rights of whoever deletes. */
Datum
recommender_model_gone(PG_FUNCTION_ARGS)
{
    const TriggerData *trigger = (TriggerData *) fcinfo->context;
    Datum model_id;

    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(trigger->tg_event))
        elog(ERROR, "recommender_model_gone was not called as a trigger of recommender_model");
    if (SPI_connect() != SPI_OK_CONNECT)
        elog(ERROR, "could not connect to SPI");
    if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
    {
        recommend_run(fcinfo, RECOMMEND_CLEAR_ROWS, NULL, false);
        recommend_run(fcinfo, RECOMMEND_CLEAR_USERS, NULL, false);
    }
    else if (TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
    {
        model_id = deleted_model(trigger);
        recommend_run(fcinfo, RECOMMEND_DELETE_ROWS, &model_id, false);
        recommend_run(fcinfo, RECOMMEND_DELETE_USERS, &model_id, false);
    }
    SPI_finish();
    return PointerGetDatum(NULL);
}
