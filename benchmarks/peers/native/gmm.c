/* ADBench's Gaussian mixture objective and its gradient, by hand.
   alphas [k], means [k,d], icf [k,d(d+1)/2] (log-diagonal, then the strict lower triangle column by column), x [n,d].
   Points are taken in blocks of LANES; within a block the points run innermost, so that loops are vector loops. What the
   blocks add up per component is the gradient by the whitening factor and the whitened residuals; the gradient by the
   mean follows from those once, at the end. */
#include <math.h>
#include <stdlib.h>
#include "lanes.h"

enum { LANES = 64 };
typedef double Row[LANES];

static double log_gamma_distribution(double a, int p)
{
    double total = 0.25 * p * (p - 1) * log(M_PI);
    for (int j = 0; j < p; j++) total += lgamma(a - 0.5 * j);
    return total;
}

/* The place of entry (i, j), i > j, of the strict lower triangle kept column by column. */
static inline int place(int d, int i, int j) { return d + j * (2 * d - j - 1) / 2 + (i - j - 1); }

int gmm(int d, int k, int n, const double *alphas, const double *means, const double *icf, const double *x, double gamma,
        double m, double *value, double *g_alphas, double *g_means, double *g_icf)
{
    const int width = d * (d + 1) / 2;
    double *factor = calloc((size_t)k * d * d, sizeof *factor), *bias = malloc((size_t)k * sizeof *bias);
    double *residual = calloc((size_t)k * d, sizeof *residual), *outer = calloc((size_t)k * d * d, sizeof *outer);
    Row *points = aligned_alloc(64, (size_t)d * sizeof *points), *centred = aligned_alloc(64, (size_t)d * sizeof *centred);
    Row *white = aligned_alloc(64, (size_t)k * d * sizeof *white), *score = aligned_alloc(64, (size_t)k * sizeof *score);
    if (!factor || !bias || !residual || !outer || !points || !centred || !white || !score) return 1;

    double largest = alphas[0], sum_alphas = 0.0, squares = 0.0, logs = 0.0;
    for (int c = 0; c < k; c++) {
        double sum = 0.0;
        for (int i = 0; i < d; i++) {
            sum += icf[c * width + i];
            factor[(c * d + i) * d + i] = exp(icf[c * width + i]);
            for (int j = 0; j < i; j++) factor[(c * d + i) * d + j] = icf[c * width + place(d, i, j)];
            for (int j = 0; j <= i; j++) squares += factor[(c * d + i) * d + j] * factor[(c * d + i) * d + j];
        }
        bias[c] = alphas[c] + sum;
        logs += sum;
        largest = alphas[c] > largest ? alphas[c] : largest;
        g_alphas[c] = 0.0;
    }
    for (int c = 0; c < k; c++) sum_alphas += exp(alphas[c] - largest);

    double likelihood = 0.0;
    for (int start = 0; start < n; start += LANES) {
        const int count = n - start < LANES ? n - start : LANES;
        for (int i = 0; i < d; i++)
            for (int l = 0; l < LANES; l++) points[i][l] = l < count ? x[(size_t)(start + l) * d + i] : 0.0;
        Row most, total;
        for (int l = 0; l < LANES; l++) most[l] = -INFINITY, total[l] = 0.0;
        for (int c = 0; c < k; c++) {
            Row square = {0.0};
            for (int i = 0; i < d; i++)
                for (int l = 0; l < LANES; l++) centred[i][l] = points[i][l] - means[c * d + i];
            for (int i = 0; i < d; i++) {
                const double *row = factor + (c * d + i) * d;
                double *y = white[c * d + i];
                for (int l = 0; l < LANES; l++) y[l] = row[0] * centred[0][l];
                for (int j = 1; j <= i; j++)
                    for (int l = 0; l < LANES; l++) y[l] += row[j] * centred[j][l];
                for (int l = 0; l < LANES; l++) square[l] += y[l] * y[l];
            }
            for (int l = 0; l < LANES; l++) {
                score[c][l] = bias[c] - 0.5 * square[l];
                most[l] = score[c][l] > most[l] ? score[c][l] : most[l];
            }
        }
        for (int c = 0; c < k; c++)
            for (int l = 0; l < LANES; l++) {
                score[c][l] = lane_exp(score[c][l] - most[l]);
                total[l] += score[c][l];
            }
        for (int l = 0; l < count; l++) likelihood += most[l] + log(total[l]);
        for (int l = 0; l < LANES; l++) total[l] = l < count ? 1.0 / total[l] : 0.0;
        for (int c = 0; c < k; c++) {
            double weight = 0.0;
#pragma omp simd reduction(+ : weight)
            for (int l = 0; l < LANES; l++) {
                score[c][l] *= total[l];
                weight += score[c][l];
            }
            g_alphas[c] += weight;
            for (int i = 0; i < d; i++)
                for (int l = 0; l < LANES; l++) centred[i][l] = points[i][l] - means[c * d + i];
            for (int i = 0; i < d; i++) {
                double *y = white[c * d + i], sum = 0.0;
#pragma omp simd reduction(+ : sum)
                for (int l = 0; l < LANES; l++) {
                    y[l] *= score[c][l];
                    sum += y[l];
                }
                residual[c * d + i] += sum;
                for (int j = 0; j <= i; j++) {
                    double dot = 0.0;
#pragma omp simd reduction(+ : dot)
                    for (int l = 0; l < LANES; l++) dot += y[l] * centred[j][l];
                    outer[(c * d + i) * d + j] += dot;
                }
            }
        }
    }

    const double freedom = d + m + 1.0;
    const double constant = freedom * d * (log(gamma) - 0.5 * log(2.0)) - log_gamma_distribution(0.5 * freedom, d);
    *value = -0.5 * n * d * log(2.0 * M_PI) + likelihood - n * (largest + log(sum_alphas)) + 0.5 * gamma * gamma * squares
             - m * logs - k * constant;
    for (int c = 0; c < k; c++) {
        const double weight = g_alphas[c];
        g_alphas[c] = weight - n * exp(alphas[c] - largest) / sum_alphas;
        for (int j = 0; j < d; j++) {
            double sum = 0.0;
            for (int i = j; i < d; i++) sum += factor[(c * d + i) * d + j] * residual[c * d + i];
            g_means[c * d + j] = sum;
            const double q = factor[(c * d + j) * d + j];
            g_icf[c * width + j] = weight - q * outer[(c * d + j) * d + j] + gamma * gamma * q * q - m;
            for (int i = j + 1; i < d; i++) {
                const int at = (c * d + i) * d + j;
                g_icf[c * width + place(d, i, j)] = gamma * gamma * factor[at] - outer[at];
            }
        }
    }
    free(factor), free(bias), free(residual), free(outer), free(points), free(centred), free(white), free(score);
    return 0;
}
