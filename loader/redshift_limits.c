/*
 * loader/redshift_limits.c
 *     What Redshift takes, for load and verify.
 */
#include "redshift_limits.h"

#include <string.h>

bool
redshift_takes_block(const cs_avro_block *block)
{
    return block->len <= REDSHIFT_MAX_BLOCK_BYTES &&
           block->end_offset - block->offset <= REDSHIFT_MAX_BLOCK_BYTES;
}

const cs_avro_node *
redshift_only_type(const cs_avro_node *type)
{
    const cs_avro_node *found = NULL;

    if (type->type != CS_AVRO_UNION)
        return type;
    for (size_t i = 0; i < type->num_branches; i++)
    {
        if (type->branches[i]->type == CS_AVRO_NULL)
            continue;
        if (found != NULL)
            return NULL;
        found = type->branches[i];
    }
    return found;
}

bool
redshift_misses_name(const char *field)
{
    return strpbrk(field, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL;
}

bool
redshift_knows_codec(cs_avro_codec codec)
{
    return codec == CS_CODEC_NULL || codec == CS_CODEC_DEFLATE || codec == CS_CODEC_SNAPPY;
}
