/*
 * core/recommend_algebra.h
 *     The one piece of dense algebra that a fit needs.
 *
 * It is handed to the fit as a pointer, so that only who fits has to load OpenBLAS.
 */
#ifndef CS_RECOMMEND_ALGEBRA_H
#define CS_RECOMMEND_ALGEBRA_H

#include "base.h"

/*
 * Replace a symmetric positive definite matrix of n x n by its inverse. Of the input
 * the elements [column * n + row] with row >= column are read; the output is whole.
 * CS_ERR_ARGUMENT if the matrix is not positive definite.
 */
typedef cs_code (*cs_invert)(const cs_env *env, float *matrix, size_t n, int threads,
                             cs_error *err);

/* That, with OpenBLAS. Links to it need -lopenblas. */
cs_code cs_blas_invert(const cs_env *env, float *matrix, size_t n, int threads, cs_error *err);

#endif
