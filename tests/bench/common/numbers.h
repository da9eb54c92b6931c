/* Figures from lists of numbers: what both benches print. */
#ifndef BENCH_NUMBERS_H
#define BENCH_NUMBERS_H

#include <stddef.h>

double bench_numbers_mean(const double *values, size_t count);

/* Standard deviation of the whole list. */
double bench_numbers_deviation(const double *values, size_t count);

/* The value below which `share` (0 to 1) of the list lies, between neighbours in proportion. Sorts
 * the list. 0 for an empty one. */
double bench_numbers_percentile(double *values, size_t count, double share);

/* Slope of y over x that a few wild values cannot turn: the median of the slopes between points
 * half the list apart (x ascending). `scratch` has room for `count`. 0 below 4 points. */
double bench_numbers_slope(const double *x, const double *y, size_t count, double *scratch);

#endif
