/*
 * extension/recommend_algebra.c
 *     The library clickstream_algebra: what of a fit needs OpenBLAS.
 *
 * It is apart from the library clickstream so that only a backend that fits a model
 * loads OpenBLAS; see recommend_invert().
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

#include "recommend_algebra.h"

compat_module_magic("clickstream_algebra");

PGDLLEXPORT cs_code clickstream_invert(const cs_env *env, float *matrix, size_t n, int threads,
                                       cs_error *err);

/* cs_invert with OpenBLAS. */
cs_code
clickstream_invert(const cs_env *env, float *matrix, size_t n, int threads, cs_error *err)
{
    return cs_blas_invert(env, matrix, n, threads, err);
}
