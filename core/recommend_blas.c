/*
 * core/recommend_blas.c
 *     Inverting a matrix in place, by panels, with OpenBLAS.
 *
 * A = L L' (Cholesky), then L becomes its own inverse, then L' L of that is the inverse
 * of A: the three blocked algorithms of LAPACK (potrf, trtri, lauum), written out so
 * that should_stop is polled between their panels. Nothing but the matrix is needed.
 * Columns lie one behind the other, and only the lower triangle is used.
 */
#include "recommend_algebra.h"

#include <cblas.h>
#include <f77blas.h>
#include <pthread.h>
#include <signal.h>

#define PANEL 192 /* columns */
#define TILE 32   /* of the mirroring: two tiles fit in the first cache */

/* The matrix, and where in it the current panel lies. */
typedef struct panel_walk
{
    float *matrix;
    blasint n;
    blasint at;    /* first column of the panel */
    blasint width; /* of the panel */
    blasint rest;  /* columns behind the panel */
} panel_walk;

/* The element at this row and column. */
static float *
element(const panel_walk *walk, blasint row, blasint column)
{
    return walk->matrix + (size_t) column * (size_t) walk->n + (size_t) row;
}

/* Go to the panel that starts at this column. */
static void
enter_panel(panel_walk *walk, blasint at)
{
    walk->at = at;
    walk->width = walk->n - at < PANEL ? walk->n - at : PANEL;
    walk->rest = walk->n - at - walk->width;
}

/* Cholesky: factor the panel and take its share from what lies behind it. */
static blasint
factor_panel(const panel_walk *walk)
{
    blasint width = walk->width, n = walk->n, behind = walk->at + width, info = 0;
    float *corner = element(walk, walk->at, walk->at);
    float *below = element(walk, behind, walk->at);

    spotrf_("L", &width, corner, &n, &info);
    if (info != 0 || walk->rest == 0)
        return info;
    cblas_strsm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, walk->rest, width,
                1, corner, n, below, n);
    cblas_ssyrk(CblasColMajor, CblasLower, CblasNoTrans, walk->rest, width, -1, below, n, 1,
                element(walk, behind, behind), n);
    return 0;
}

/* Invert L: the columns of the panel, those behind it being inverted already. */
static void
invert_panel(const panel_walk *walk)
{
    blasint width = walk->width, n = walk->n, behind = walk->at + width, info = 0;
    float *corner = element(walk, walk->at, walk->at);
    float *below = element(walk, behind, walk->at);

    if (walk->rest > 0)
    {
        cblas_strmm(CblasColMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, walk->rest,
                    width, 1, element(walk, behind, behind), n, below, n);
        cblas_strsm(CblasColMajor, CblasRight, CblasLower, CblasNoTrans, CblasNonUnit, walk->rest,
                    width, -1, corner, n, below, n);
    }
    strtri_("L", "N", &width, corner, &n, &info);
}

/* L' L: the rows of the panel up to its diagonal. */
static void
multiply_panel(const panel_walk *walk)
{
    blasint width = walk->width, n = walk->n, behind = walk->at + width, info = 0;
    float *corner = element(walk, walk->at, walk->at);
    float *left = element(walk, walk->at, 0);
    float *below = element(walk, behind, walk->at);

    if (walk->at > 0)
        cblas_strmm(CblasColMajor, CblasLeft, CblasLower, CblasTrans, CblasNonUnit, width, walk->at,
                    1, corner, n, left, n);
    slauum_("L", &width, corner, &n, &info);
    if (walk->rest == 0)
        return;
    if (walk->at > 0)
        cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, width, walk->at, walk->rest, 1, below,
                    n, element(walk, behind, 0), n, 1, left, n);
    cblas_ssyrk(CblasColMajor, CblasLower, CblasTrans, width, walk->rest, 1, below, n, 1, corner,
                n);
}

/* Copy the lower triangle to the upper one, tile by tile. */
static void
mirror(float *matrix, size_t n)
{
    for (size_t left = 0; left < n; left += TILE)
        for (size_t top = left; top < n; top += TILE)
            for (size_t column = left; column < left + TILE && column < n; column++)
                for (size_t row = top > column ? top : column + 1; row < top + TILE && row < n;
                     row++)
                    matrix[row * n + column] = matrix[column * n + row];
}

/* Set the number of threads. Those that it starts inherit that every signal is blocked. */
static void
set_threads(int threads)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    openblas_set_num_threads(threads);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The three passes over the panels. */
static cs_code
run_passes(const cs_env *env, panel_walk *walk, cs_error *err)
{
    blasint last = (walk->n - 1) / PANEL * PANEL;

    for (blasint at = 0; at < walk->n; at += PANEL)
    {
        CS_TRY(cs_poll(env, err));
        enter_panel(walk, at);
        if (factor_panel(walk) != 0)
            return cs_fail(err, CS_ERR_ARGUMENT,
                           "matrix is not positive definite: lambda is too small");
    }
    for (blasint at = last; at >= 0; at -= PANEL)
    {
        CS_TRY(cs_poll(env, err));
        enter_panel(walk, at);
        invert_panel(walk);
    }
    for (blasint at = 0; at < walk->n; at += PANEL)
    {
        CS_TRY(cs_poll(env, err));
        enter_panel(walk, at);
        multiply_panel(walk);
    }
    return CS_OK;
}

cs_code
cs_blas_invert(const cs_env *env, float *matrix, size_t n, int threads, cs_error *err)
{
    panel_walk walk = {.matrix = matrix, .n = (blasint) n};

    if (n == 0)
        return CS_OK;
    if (n > INT32_MAX)
        return cs_fail(err, CS_ERR_LIMIT, "matrix has more than %d columns", INT32_MAX);
    set_threads(threads);
    CS_TRY(run_passes(env, &walk, err));
    mirror(matrix, n);
    return CS_OK;
}
