#include "daemon/gpuwatch.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-device.h>

#define SETTLE_US 2000000 /* between a device's events, and until its permissions are set */

struct tr_gpuwatch {
	sd_device_monitor *monitor;
	sd_event_source *timer;
	void (*changed)(void *user);
	void *user;
};

static int on_settled(sd_event_source *source, uint64_t usec, void *user)
{
	struct tr_gpuwatch *watch = user;

	(void)source, (void)usec;
	watch->changed(watch->user);
	return 0;
}

/* A screen that is plugged in is an event, too, and no matter: only nodes that come or go are. */
static int on_device(sd_device_monitor *monitor, sd_device *device, void *user)
{
	struct tr_gpuwatch *watch = user;
	const char *name = "";
	sd_device_action_t action;

	(void)monitor;
	if (sd_device_get_sysname(device, &name) < 0 || strncmp(name, "renderD", 7) != 0 ||
		sd_device_get_action(device, &action) < 0 || action == SD_DEVICE_CHANGE)
		return 0;
	sd_event_source_set_time_relative(watch->timer, SETTLE_US);
	sd_event_source_set_enabled(watch->timer, SD_EVENT_ONESHOT);
	return 0;
}

static int start(struct tr_gpuwatch *watch, sd_event *event)
{
	int rc = sd_event_add_time(
		event, &watch->timer, CLOCK_MONOTONIC, 0, SETTLE_US / 10, on_settled, watch);
	if (rc >= 0)
		rc = sd_event_source_set_enabled(watch->timer, SD_EVENT_OFF);
	if (rc >= 0)
		rc = sd_device_monitor_new(&watch->monitor);
	if (rc >= 0)
		rc = sd_device_monitor_filter_add_match_subsystem_devtype(
			watch->monitor, "drm", NULL);
	if (rc >= 0)
		rc = sd_device_monitor_attach_event(watch->monitor, event);
	if (rc >= 0)
		rc = sd_device_monitor_start(watch->monitor, on_device, watch);
	return rc < 0 ? rc : 0;
}

int tr_gpuwatch_create(
	sd_event *event, void (*changed)(void *user), void *user, struct tr_gpuwatch **ret_watch)
{
	TR_CLEANUP(tr_gpuwatch_destroyp) struct tr_gpuwatch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->changed = changed;
	watch->user = user;
	int rc = start(watch, event);
	if (rc < 0)
		return rc;
	*ret_watch = tr_take(watch);
	return 0;
}

void tr_gpuwatch_destroy(struct tr_gpuwatch *watch)
{
	if (!watch)
		return;
	sd_device_monitor_unref(watch->monitor);
	sd_event_source_disable_unref(watch->timer);
	free(watch);
}
