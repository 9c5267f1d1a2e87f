/* ADBench's bundle-adjustment residuals and the blocks of their Jacobian, by hand.
   cameras [n,11] (rotation vector, centre, focal length, principal point, radial distortion), points [m,3], weights [p],
   features [p,2], observed [p,2] (camera, point) -> errors [p,2], blocks [p,2,15] (camera, point, weight), weight errors
   [p] and their derivatives [p]. One pass over the observations: eight of them are gathered and run side by side as
   vectors of the compiler, and their blocks go out as whole rows. Nothing is allocated. */
#include <math.h>
#include <stdint.h>
#include <string.h>
#include "lanes.h"

enum { LANES = 8, CAMERA = 11, COLUMNS = 15 };
typedef double Lane[LANES] __attribute__((aligned(64)));
typedef struct {
    Lane row[2][COLUMNS], error[2];
} Block;

/* x, or -x where bit 1 of the quadrant is set. */
static inline double signed_by(double x, int64_t quadrant)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits ^= (uint64_t)(quadrant & 2) << 62;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Sine and cosine by 1, t, t^2, … of the angle less its nearest multiple of pi/2 (three parts of it, so that angles to 1e5
   lose nothing); right to 2 units in the last place. */
static inline void lane_sincos(double x, double *sine, double *cosine)
{
    const double shift = 6755399441055744.0; /* 1.5 * 2^52: adding it rounds to a whole number */
    const double t = x * 0.63661977236758134308 + shift, n = t - shift;
    int64_t quadrant;
    memcpy(&quadrant, &t, sizeof quadrant);
    double r = fma(n, -1.57079632673412561417e+00, x);
    r = fma(n, -6.07710050630396597660e-11, r);
    r = fma(n, -2.02226624879595063154e-21, r);
    const double s = r * r;
    double a = 1.58969099521155010221e-10, b = -1.13596475577881948265e-11;
    a = a * s - 2.50507602534068634195e-08;
    a = a * s + 2.75573137070700676789e-06;
    a = a * s - 1.98412698298579493134e-04;
    a = a * s + 8.33333333332248946124e-03;
    a = a * s - 1.66666666666666324348e-01;
    a = a * s * r + r;
    b = b * s + 2.08757232129817482790e-09;
    b = b * s - 2.75573143513906633035e-07;
    b = b * s + 2.48015872894767294178e-05;
    b = b * s - 1.38888888888741095749e-03;
    b = b * s + 4.16666666666666019037e-02;
    b = b * s * s - 0.5 * s + 1.0;
    const double p = quadrant & 1 ? b : a, q = quadrant & 1 ? a : b;
    *sine = signed_by(p, quadrant);
    *cosine = signed_by(q, quadrant + 1);
}

/* What both rows of an observation share: v is camera, point and weight; the rotated point is
   y = c x + s k x x + (1 - c) (k.x) k for the unit axis k, and t is its derivative by the angle. */
typedef struct {
    double k0, k1, k2, x0, x1, x2, t0, t1, t2, s, c, inverse, ratio, along, depth, a, b, radius, stretch, weight, scale;
} Shared;

/* One row: backwards from a covector g on y,
     to x:      c g - s k x g + (1 - c) (k.g) k
     to angle:  g . t
     to k:      s (x x g) + (1 - c) ((k.x) g + (k.g) x)
   and from k and the angle to the axis: (k_bar - k (k.k_bar)) / angle + angle_bar k. Here q is k_bar / angle, with
   s / angle = 1 where there is no rotation: k is 0 there, and x x g is left. */
static inline __attribute__((always_inline)) void row_of(
    const Shared v, double to_a, double to_b, double plane, double own, double other, double error, Lane *row, int l)
{
    const double g0 = to_a * v.depth, g1 = to_b * v.depth, g2 = -(g0 * v.a + g1 * v.b), d = 1.0 - v.c;
    const double z0 = v.k1 * g2 - v.k2 * g1, z1 = v.k2 * g0 - v.k0 * g2, z2 = v.k0 * g1 - v.k1 * g0;
    const double dk = d * (v.k0 * g0 + v.k1 * g1 + v.k2 * g2), ni = dk * v.inverse;
    const double na = d * v.along * v.inverse;
    const double p0 = v.c * g0 - v.s * z0 + dk * v.k0, p1 = v.c * g1 - v.s * z1 + dk * v.k1,
                 p2 = v.c * g2 - v.s * z2 + dk * v.k2;
    const double m0 = v.x1 * g2 - v.x2 * g1, m1 = v.x2 * g0 - v.x0 * g2, m2 = v.x0 * g1 - v.x1 * g0;
    const double q0 = v.ratio * m0 + na * g0 + ni * v.x0, q1 = v.ratio * m1 + na * g1 + ni * v.x1,
                 q2 = v.ratio * m2 + na * g2 + ni * v.x2;
    const double turn = g0 * v.t0 + g1 * v.t1 + g2 * v.t2;
    const double rest = turn - (v.k0 * q0 + v.k1 * q1 + v.k2 * q2);
    row[0][l] = q0 + rest * v.k0, row[1][l] = q1 + rest * v.k1, row[2][l] = q2 + rest * v.k2;
    row[3][l] = -p0, row[4][l] = -p1, row[5][l] = -p2;
    row[6][l] = v.weight * plane * v.stretch;
    row[7][l] = own, row[8][l] = other;
    row[9][l] = v.scale * plane * v.radius, row[10][l] = v.scale * plane * v.radius * v.radius;
    row[11][l] = p0, row[12][l] = p1, row[13][l] = p2;
    row[14][l] = error;
}

static inline __attribute__((always_inline)) void one(const Lane v[COLUMNS], const Lane feature[2], Block *out, int l)
{
    const double r0 = v[0][l], r1 = v[1][l], r2 = v[2][l];
    const double x0 = v[11][l] - v[3][l], x1 = v[12][l] - v[4][l], x2 = v[13][l] - v[5][l];
    const double focal = v[6][l], kappa = v[9][l], lambda = v[10][l], weight = v[14][l];
    const double square = r0 * r0 + r1 * r1 + r2 * r2;
    const double none = square > 0.0 ? 0.0 : 1.0, angle = sqrt(square), inverse = 1.0 / (angle + none);
    const double k0 = r0 * inverse, k1 = r1 * inverse, k2 = r2 * inverse;
    double s, c;
    lane_sincos(angle, &s, &c);
    const double d = 1.0 - c, along = k0 * x0 + k1 * x1 + k2 * x2, da = d * along, sa = s * along;
    const double w0 = k1 * x2 - k2 * x1, w1 = k2 * x0 - k0 * x2, w2 = k0 * x1 - k1 * x0;
    const double y0 = c * x0 + s * w0 + da * k0, y1 = c * x1 + s * w1 + da * k1, y2 = c * x2 + s * w2 + da * k2;
    const double depth = 1.0 / y2, a = y0 * depth, b = y1 * depth;
    const double radius = a * a + b * b, stretch = 1.0 + radius * (kappa + radius * lambda);
    const double slope = 2.0 * (kappa + 2.0 * radius * lambda), scale = weight * focal, mixed = scale * a * b * slope;
    const double e0 = a * stretch * focal + v[7][l] - feature[0][l], e1 = b * stretch * focal + v[8][l] - feature[1][l];
    out->error[0][l] = weight * e0, out->error[1][l] = weight * e1;
    const Shared shared = {k0, k1, k2, x0, x1, x2, c * w0 - s * x0 + sa * k0, c * w1 - s * x1 + sa * k1,
                           c * w2 - s * x2 + sa * k2, s, c, inverse, s * inverse + none, along, depth, a, b, radius, stretch,
                           weight, scale};
    row_of(shared, scale * (stretch + a * a * slope), mixed, a, weight, 0.0, e0, out->row[0], l);
    row_of(shared, mixed, scale * (stretch + b * b * slope), b, 0.0, weight, e1, out->row[1], l);
}

void ba(int64_t p, const double *cameras, const double *points, const double *weights, const double *features,
        const int64_t *observed, double *errors, double *blocks, double *weight_errors, double *weight_slopes)
{
    Lane v[COLUMNS], feature[2];
    Block found;
    for (int64_t base = 0; base < p; base += LANES) {
        const int count = p - base < LANES ? (int)(p - base) : LANES;
        for (int l = 0; l < LANES; l++) {
            const int64_t at = base + (l < count ? l : 0);
            const double *camera = cameras + CAMERA * observed[2 * at], *point = points + 3 * observed[2 * at + 1];
            for (int k = 0; k < CAMERA; k++) v[k][l] = camera[k];
            for (int k = 0; k < 3; k++) v[CAMERA + k][l] = point[k];
            v[14][l] = weights[at];
            feature[0][l] = features[2 * at], feature[1][l] = features[2 * at + 1];
        }
#pragma omp simd
        for (int l = 0; l < LANES; l++) one(v, feature, &found, l);
        for (int l = 0; l < count; l++) {
            const int64_t at = base + l;
            double *block = blocks + 2 * COLUMNS * at;
            for (int i = 0; i < 2; i++) {
                errors[2 * at + i] = found.error[i][l];
                for (int k = 0; k < COLUMNS; k++) block[COLUMNS * i + k] = found.row[i][k][l];
            }
            weight_errors[at] = 1.0 - weights[at] * weights[at];
            weight_slopes[at] = -2.0 * weights[at];
        }
    }
}
