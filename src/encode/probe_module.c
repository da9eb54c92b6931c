/* What the probe finds in telerec-gpu.so. */
#include "encode/probe_gpu.h"

__attribute__((visibility("default"))) extern const struct tr_probe_gpu tr_probe_gpu;

const struct tr_probe_gpu tr_probe_gpu = {
	.find_devices = tr_probe_devices_find,
	.ask_device = tr_probe_va_ask,
	.run_test = tr_probe_test_run,
	.run_surface_test = tr_probe_surface_run,
};
