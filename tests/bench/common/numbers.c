#include "common/numbers.h"

#include <math.h>
#include <stdlib.h>

double bench_numbers_mean(const double *values, size_t count)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return count ? sum / (double)count : 0;
}

double bench_numbers_deviation(const double *values, size_t count)
{
	double mean = bench_numbers_mean(values, count);
	double sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += (values[i] - mean) * (values[i] - mean);
	return count ? sqrt(sum / (double)count) : 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

double bench_numbers_percentile(double *values, size_t count, double share)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare);
	double position = share * (double)(count - 1);
	size_t below = (size_t)position;
	if (below + 1 >= count)
		return values[count - 1];
	return values[below] + (position - (double)below) * (values[below + 1] - values[below]);
}

double bench_numbers_slope(const double *x, const double *y, size_t count, double *scratch)
{
	size_t half = count / 2, slopes = 0;
	if (count < 4)
		return 0;
	for (size_t i = 0; i + half < count; i++)
		if (x[i + half] > x[i])
			scratch[slopes++] = (y[i + half] - y[i]) / (x[i + half] - x[i]);
	return bench_numbers_percentile(scratch, slopes, 0.5);
}
