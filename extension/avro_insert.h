/*
 * extension/avro_insert.h
 *     INSERT and COPY into Avro tables: FDW callbacks.
 */
#ifndef CLICKSTREAM_AVRO_INSERT_H
#define CLICKSTREAM_AVRO_INSERT_H

#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "nodes/plannodes.h"
#include "utils/relcache.h"

#include "compat.h"

int avroIsForeignRelUpdatable(Relation relation);
List *avroPlanForeignModify(PlannerInfo *root, ModifyTable *plan, Index result_relation,
                            int subplan_index);
void avroBeginForeignModify(ModifyTableState *state, ResultRelInfo *info, List *fdw_private,
                            int subplan_index, int eflags);
void avroBeginForeignInsert(ModifyTableState *state, ResultRelInfo *info);
TupleTableSlot *avroExecForeignInsert(EState *estate, ResultRelInfo *info, TupleTableSlot *slot,
                                      TupleTableSlot *plan_slot);
void avroEndForeignModify(EState *estate, ResultRelInfo *info);
void avroEndForeignInsert(EState *estate, ResultRelInfo *info);

#endif
