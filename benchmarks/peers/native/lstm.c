/* ADBench's diagonal LSTM objective and its gradient, by hand.
   main [l,2,4,b] (weights and biases of the gates forget, in, out, change), extra [3,b], state [l,2,b] (hidden, cell),
   sequence [c,b]. The width b is padded to whole vectors; every quantity of a step that the way back needs is kept. */
#include <math.h>
#include <stdlib.h>
#include "lanes.h"

enum { MOST = 16 }; /* lanes: the benchmark has 14 */
enum { FORGET, IN, OUT, CHANGE };
typedef double Lane[MOST];

/* What one layer keeps of one step. */
typedef struct {
    Lane input, hidden, cell, forget, in, out, change, squashed, next_cell;
} Kept;

int lstm(int layers, int width, int length, const double *main_, const double *extra, const double *state,
         const double *sequence, double *value, double *g_main, double *g_extra)
{
    if (width > MOST) return 2;
    enum { padded = MOST };
    const int steps = length - 1;
    Kept *kept = aligned_alloc(64, (size_t)steps * layers * sizeof *kept);
    Lane *weight = aligned_alloc(64, (size_t)layers * 4 * sizeof *weight), *bias = aligned_alloc(64, (size_t)layers * 4 * sizeof *bias);
    Lane *g_weight = aligned_alloc(64, (size_t)layers * 4 * sizeof *g_weight), *g_bias = aligned_alloc(64, (size_t)layers * 4 * sizeof *g_bias);
    Lane *hidden = aligned_alloc(64, (size_t)layers * sizeof *hidden), *cell = aligned_alloc(64, (size_t)layers * sizeof *cell);
    Lane *output = aligned_alloc(64, (size_t)steps * sizeof *output), *share = aligned_alloc(64, (size_t)steps * sizeof *share);
    if (!kept || !weight || !bias || !g_weight || !g_bias || !hidden || !cell || !output || !share) return 1;
    memset(weight, 0, (size_t)layers * 4 * sizeof *weight), memset(bias, 0, (size_t)layers * 4 * sizeof *bias);
    memset(g_weight, 0, (size_t)layers * 4 * sizeof *g_weight), memset(g_bias, 0, (size_t)layers * 4 * sizeof *g_bias);
    memset(hidden, 0, (size_t)layers * sizeof *hidden), memset(cell, 0, (size_t)layers * sizeof *cell);
    Lane first = {0.0}, last = {0.0}, shift = {0.0}, mask = {0.0}, x = {0.0}, gold = {0.0};
    for (int j = 0; j < width; j++) first[j] = extra[j], last[j] = extra[width + j], shift[j] = extra[2 * width + j], mask[j] = 1.0;
    for (int k = 0; k < layers; k++) {
        for (int g = 0; g < 4; g++)
            for (int j = 0; j < width; j++) {
                weight[4 * k + g][j] = main_[((2 * k) * 4 + g) * width + j];
                bias[4 * k + g][j] = main_[((2 * k + 1) * 4 + g) * width + j];
            }
        for (int j = 0; j < width; j++) hidden[k][j] = state[2 * k * width + j], cell[k][j] = state[(2 * k + 1) * width + j];
    }

    double total = 0.0;
    for (int t = 0; t < steps; t++) {
        for (int j = 0; j < width; j++) x[j] = sequence[(size_t)t * width + j] * first[j], gold[j] = sequence[(size_t)(t + 1) * width + j];
        for (int k = 0; k < layers; k++) {
            Kept *now = kept + (size_t)t * layers + k;
            const Lane *w = weight + 4 * k, *b = bias + 4 * k;
            for (int j = 0; j < padded; j++) {
                const double h = hidden[k][j], c = cell[k][j];
                const double forget = lane_logistic(x[j] * w[FORGET][j] + b[FORGET][j]);
                const double in = lane_logistic(h * w[IN][j] + b[IN][j]);
                const double out = lane_logistic(x[j] * w[OUT][j] + b[OUT][j]);
                const double change = lane_tanh(h * w[CHANGE][j] + b[CHANGE][j]);
                const double next = c * forget + in * change, squashed = lane_tanh(next);
                now->input[j] = x[j], now->hidden[j] = h, now->cell[j] = c;
                now->forget[j] = forget, now->in[j] = in, now->out[j] = out, now->change[j] = change;
                now->squashed[j] = squashed;
                cell[k][j] = next;
                hidden[k][j] = x[j] = out * squashed;
            }
        }
        double sum = 2.0, score = 0.0, golds = 0.0;
        for (int j = 0; j < padded; j++) output[t][j] = x[j];
#pragma omp simd reduction(+ : sum, score, golds)
        for (int j = 0; j < padded; j++) {
            const double prediction = x[j] * last[j] + shift[j], e = mask[j] * lane_exp(prediction);
            share[t][j] = e;
            sum += e, score += gold[j] * prediction, golds += gold[j];
        }
        total += score - golds * log(sum);
        /* The derivative of the score by the prediction, kept in place of the exponentials. */
        for (int j = 0; j < padded; j++) share[t][j] = gold[j] - golds * share[t][j] / sum;
    }
    const double scale = -1.0 / ((double)width * steps);
    *value = scale * total;

    Lane g_first = {0.0}, g_last = {0.0}, g_shift = {0.0};
    Lane *h_bar = hidden, *c_bar = cell; /* cotangents of the states, which are no longer needed */
    memset(h_bar, 0, (size_t)layers * sizeof *h_bar), memset(c_bar, 0, (size_t)layers * sizeof *c_bar);
    for (int t = steps - 1; t >= 0; t--) {
        Lane x_bar;
        for (int j = 0; j < padded; j++) {
            const double bar = scale * share[t][j];
            g_last[j] += bar * output[t][j];
            g_shift[j] += bar;
            x_bar[j] = bar * last[j];
        }
        for (int k = layers - 1; k >= 0; k--) {
            const Kept *now = kept + (size_t)t * layers + k;
            const Lane *w = weight + 4 * k;
            Lane *gw = g_weight + 4 * k, *gb = g_bias + 4 * k;
            for (int j = 0; j < padded; j++) {
                const double h = h_bar[k][j] + x_bar[j], out = now->out[j], squashed = now->squashed[j];
                const double c = c_bar[k][j] + h * out * (1.0 - squashed * squashed);
                const double forget = now->forget[j], in = now->in[j], change = now->change[j];
                const double d_forget = c * now->cell[j] * forget * (1.0 - forget), d_in = c * change * in * (1.0 - in);
                const double d_out = h * squashed * out * (1.0 - out), d_change = c * in * (1.0 - change * change);
                gw[FORGET][j] += d_forget * now->input[j], gb[FORGET][j] += d_forget;
                gw[OUT][j] += d_out * now->input[j], gb[OUT][j] += d_out;
                gw[IN][j] += d_in * now->hidden[j], gb[IN][j] += d_in;
                gw[CHANGE][j] += d_change * now->hidden[j], gb[CHANGE][j] += d_change;
                c_bar[k][j] = c * forget;
                h_bar[k][j] = d_in * w[IN][j] + d_change * w[CHANGE][j];
                x_bar[j] = d_forget * w[FORGET][j] + d_out * w[OUT][j];
            }
        }
        for (int j = 0; j < width; j++) g_first[j] += x_bar[j] * sequence[(size_t)t * width + j];
    }
    for (int j = 0; j < width; j++) g_extra[j] = g_first[j], g_extra[width + j] = g_last[j], g_extra[2 * width + j] = g_shift[j];
    for (int k = 0; k < layers; k++)
        for (int g = 0; g < 4; g++)
            for (int j = 0; j < width; j++) {
                g_main[((2 * k) * 4 + g) * width + j] = g_weight[4 * k + g][j];
                g_main[((2 * k + 1) * 4 + g) * width + j] = g_bias[4 * k + g][j];
            }
    free(kept), free(weight), free(bias), free(g_weight), free(g_bias), free(hidden), free(cell), free(output), free(share);
    return 0;
}
