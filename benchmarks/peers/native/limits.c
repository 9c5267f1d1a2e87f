/* What one core of this machine can do: loops that do nothing but one thing, to hold programs against.
   All work on registers or on arrays that fit the first cache, but for `copy`. */
#include <stdint.h>
#include <string.h>
#include "lanes.h"

#ifdef __AVX512F__
enum { WIDTH = 8 };
#else
enum { WIDTH = 4 };
#endif
enum { CHAINS = 12 }; /* of fused multiply-adds that do not wait for each other: latency times units is 8 to 10 */
typedef double Vector __attribute__((vector_size(WIDTH * sizeof(double))));

/* Floating-point operations of one round of `fused`. */
int fused_flops(void) { return 2 * WIDTH * CHAINS; }

double fused(int64_t rounds, double factor, double term)
{
    Vector total[CHAINS], by = {0}, plus = {0};
    for (int l = 0; l < WIDTH; l++) by[l] = factor, plus[l] = term;
    for (int k = 0; k < CHAINS; k++) total[k] = plus * (double)k;
    for (int64_t i = 0; i < rounds; i++) {
#pragma GCC unroll 12
        for (int k = 0; k < CHAINS; k++) total[k] = total[k] * by + plus;
    }
    double sum = 0.0;
    for (int k = 0; k < CHAINS; k++)
        for (int l = 0; l < WIDTH; l++) sum += total[k][l];
    return sum;
}

/* A compiler may not take one round for another. */
#define AGAIN __asm__ volatile("" ::: "memory")

void exponentials(int64_t rounds, int64_t n, const double *restrict x, double *restrict y)
{
    for (int64_t k = 0; k < rounds; k++) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = lane_exp(x[i]);
        AGAIN;
    }
}

void quotients(int64_t rounds, int64_t n, const double *restrict x, double *restrict y)
{
    for (int64_t k = 0; k < rounds; k++) {
#pragma omp simd
        for (int64_t i = 0; i < n; i++) y[i] = 1.0 / x[i];
        AGAIN;
    }
}

void copy(int64_t rounds, int64_t n, const double *restrict x, double *restrict y)
{
    for (int64_t k = 0; k < rounds; k++) {
        memcpy(y, x, (size_t)n * sizeof *x);
        AGAIN;
    }
}
