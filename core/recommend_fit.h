/*
 * core/recommend_fit.h
 *     Fitting the recommender: a linear item-item autoencoder in closed form.
 *
 * X is the binary matrix of users and items, n_u and n_i its row and column sums.
 *     s_i = n_i^-b
 *     G_ij = s_i s_j sum over u of n_u^-a X_ui X_uj
 *     A = G + diag(lambda mean(diag G) + p/(1-p) diag G),  P = A^-1
 *     B_ij = -s_i P_ij / P_jj,  B_jj = 0
 * After Steck, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW 2019) and
 * "Autoencoders that don't overfit towards the Identity" (NeurIPS 2020); users and
 * items are normalised, and only the source side of B is scaled.
 *
 * Memory: one matrix of items x items in single precision, and twice the pairs.
 */
#ifndef CS_RECOMMEND_FIT_H
#define CS_RECOMMEND_FIT_H

#include "recommend_algebra.h"
#include "recommend_input.h"

#define CS_FIT_A 0.8
#define CS_FIT_B 0.2
#define CS_FIT_LAMBDA 5.0
#define CS_FIT_P 0.5
/* Loses 0.1 % on MovieLens-1M where 400 lose 0.5 %; a row fills a page. */
#define CS_FIT_KEEP 1000
#define CS_FIT_MAX_ITEMS 16384 /* past these the matrix is over 1 GB */

typedef struct cs_fit_options
{
    double a;         /* how much users with many items count less */
    double b;         /* how much items with many users count less */
    double lambda;    /* regularisation, in units of the mean diagonal */
    double p;         /* the dropout that the other regularisation stands for, in [0, 1) */
    size_t keep;      /* weights kept of each source row */
    size_t max_items; /* more are refused */
    int threads;
} cs_fit_options;

/* A weight of a source row: what having the source adds to the score of the target. */
typedef struct cs_weight
{
    int32_t target; /* position of the item */
    float weight;
} cs_weight;

typedef struct cs_fit
{
    const cs_env *env;
    size_t num_items;
    float *inverse;  /* P, num_items x num_items, whole */
    float *diagonal; /* of P */
    float *scale;    /* s */
    float *popular;  /* m B: the score of each item for someone of whom nothing is known */
    float *row;      /* the magnitudes of one row, for the selection */
} cs_fit;

/* The defaults. */
cs_fit_options cs_fit_defaults(void);

/* CS_ERR_ARGUMENT unless the options are in their ranges. */
cs_code cs_fit_check(const cs_fit_options *options, cs_error *err);

/* The bytes of the matrix for so many items. */
double cs_fit_matrix_bytes(size_t num_items);

/* Fit finished interactions. On failure nothing is left to free. */
cs_code cs_fit_run(cs_fit *fit, const cs_interactions *input, const cs_fit_options *options,
                   cs_invert invert, cs_error *err);
void cs_fit_free(cs_fit *fit);

/* B_ij as it is before any is left out. */
float cs_fit_weight(const cs_fit *fit, size_t source, size_t target);

/*
 * The weights of a source row that have the largest magnitudes, at most keep of them,
 * largest weight first, then by target; weights of 0 are left out. Returns their number.
 */
size_t cs_fit_row(const cs_fit *fit, size_t source, size_t keep, cs_weight *weights);

#endif
