/*
 * loader/avro_peer.h
 *     A value that core has read, and the same value as avro-c has read it.
 */
#ifndef LOADER_AVRO_PEER_H
#define LOADER_AVRO_PEER_H

#include "avro_decode.h"

#include <avro.h>

/*
 * Compare a finished value with avro-c's. CS_ERR_DATA, saying what each reads,
 * where they differ. The plan reads without logical types, as avro-c does.
 */
cs_code avro_peer_compare(const cs_avro_plan *plan, const cs_value *own, const avro_value_t *peer,
                          cs_error *err);

#endif
