/* Value and gradient of the Gaussian mixture objective of ADBench, one number per line. */
#define _DEFAULT_SOURCE
#include "place.h"
#include "gmm.h"
#include <stdio.h>

static const double some_alphas[] = {ALPHAS}, some_means[] = {MEANS}, some_icf[] = {ICF}, some_x[] = {X};

static void show(const double *numbers, int count) {
  for (int i = 0; i < count; i++) printf("%.17g\n", numbers[i]);
}

int main(void) {
  enum { N = GMM_SIZE_n, D = GMM_SIZE_d, K = GMM_SIZE_k, L = GMM_SIZE_l };
  const double *alphas = given(some_alphas, K), *means = given(some_means, K * D);
  const double *icf = given(some_icf, K * L), *x = given(some_x, N * D);
  double *value = (double *)place(sizeof *value), *to_alphas = (double *)place(K * sizeof *to_alphas);
  double *to_means = (double *)place(K * D * sizeof *to_means), *to_icf = (double *)place(K * L * sizeof *to_icf);
  int code = gmm_gradient(N, D, K, L, alphas, means, icf, x, GAMMA, M, value, to_alphas, to_means, to_icf);
  if (code != GMM_OK) return code;
  show(value, 1);
  show(to_alphas, K);
  show(to_means, K * D);
  show(to_icf, K * L);
  return gmm_value(N, D, K, L + 1, alphas, means, icf, x, GAMMA, M, value) == GMM_WRONG_SIZE ? 0 : 99;
}
