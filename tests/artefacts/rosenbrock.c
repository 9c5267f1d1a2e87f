/* Value and gradient of the Rosenbrock function, one number per line. */
#define _DEFAULT_SOURCE
#include "place.h"
#include "rosenbrock.h"
#include <stdio.h>

static const double numbers[] = {X};

int main(void) {
  enum { N = sizeof numbers / sizeof *numbers };
  const double *x = given(numbers, N);
  double *value = (double *)place(sizeof *value), *grad_x = (double *)place(N * sizeof *grad_x);
  int code = rosenbrock_gradient(N, x, value, grad_x);
  if (code != ROSENBROCK_OK) return code;
  printf("%.17g\n", *value);
  for (int i = 0; i < N; i++) printf("%.17g\n", grad_x[i]);
  return rosenbrock_value(N + 1, x, value) == ROSENBROCK_WRONG_SIZE ? 0 : 99;
}
