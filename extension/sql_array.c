/*
 * extension/sql_array.c
 *     One-dimensional arrays of numbers, made and read as plain memory.
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "compat.h"
#include "sql_array.h"

ArrayType *
sql_array_make(Oid type, size_t element_size, size_t count, void **data)
{
    size_t size = ARR_OVERHEAD_NONULLS(1);
    ArrayType *array;

    if (count > (MaxAllocSize - size) / element_size)
        ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
                        errmsg("array size exceeds the maximum allowed (%d)", (int) MaxAllocSize)));
    size += count * element_size;
    array = palloc(size);
    SET_VARSIZE(array, size);
    array->ndim = 1;
    array->dataoffset = 0; /* no NULL among them */
    array->elemtype = type;
    ARR_DIMS(array)[0] = (int) count;
    ARR_LBOUND(array)[0] = 1;
    *data = ARR_DATA_PTR(array);
    if (count == 0)
    {
        array->ndim = 0;
        SET_VARSIZE(array, sizeof(ArrayType));
    }
    return array;
}

const void *
sql_array_read(Datum value, Oid type, size_t *count)
{
    ArrayType *array = value != (Datum) 0 ? DatumGetArrayTypeP(value) : NULL;

    if (array == NULL || ARR_NDIM(array) > 1 || ARR_ELEMTYPE(array) != type || ARR_HASNULL(array))
        ereport(ERROR, (errcode(ERRCODE_DATA_CORRUPTED),
                        errmsg("damaged model: an array is not a plain list of numbers")));
    *count = ARR_NDIM(array) == 0 ? 0 : (size_t) ARR_DIMS(array)[0];
    return ARR_DATA_PTR(array);
}
