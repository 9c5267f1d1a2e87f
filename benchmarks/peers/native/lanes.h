/* Elementary functions that a compiler turns into vector code: no branches, no calls.
   The exponential is 2^k e^r with |r| <= ln(2)/2 and a polynomial of degree 13 in r; it is right to 2 units in the last
   place for |x| < 708 and saturates beyond. */
#include <stdint.h>
#include <string.h>

static inline double lane_exp(double x)
{
    const double log2e = 1.4426950408889634, ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to a whole number */
    x = x < -708.0 ? -708.0 : x;
    x = x > 708.0 ? 708.0 : x;
    double t = x * log2e + shift;
    int64_t k;
    memcpy(&k, &t, sizeof k);
    double n = t - shift;
    double r = (x - n * ln2_hi) - n * ln2_lo;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    int64_t bits = (int64_t)((uint64_t)(k + 1023) << 52);
    double scale;
    memcpy(&scale, &bits, sizeof scale);
    return p * scale;
}

static inline double lane_logistic(double x) { return 1.0 / (1.0 + lane_exp(-x)); }

/* 1 - 2 / (exp(2x) + 1): absolute accuracy of one unit near 1, which is what the objectives need. */
static inline double lane_tanh(double x) { return 1.0 - 2.0 / (lane_exp(2.0 * x) + 1.0); }
