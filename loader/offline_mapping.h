/*
 * loader/offline_mapping.h
 *     The mapping of campaigns to rewards, read from a file.
 */
#ifndef LOADER_OFFLINE_MAPPING_H
#define LOADER_OFFLINE_MAPPING_H

#include "defaults.h"
#include "session_map.h"

/*
 * Read a file, CSV or Avro, with the columns campaign_id and reward_id into an empty
 * map, ready to be asked. Pairs with a NULL are left out, as are further columns.
 */
exit_status mapping_read(const char *name, cs_map *map);

#endif
