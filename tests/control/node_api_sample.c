/* telerec-node-api-sample SOCKET TOKEN: the node API over the node of api_source.c, on the socket
 * and on a free port of 127.0.0.1, which is printed. Events come all the time. SIGUSR1: the
 * promised pictures come. SIGTERM ends it. */
#include "api_source.h"
#include "sample_events.h"

#include <signal.h>
#include <stdio.h>

#define EVENTS_US 20000

struct sample {
	struct api_source node;
	struct tr_node_api *api;
};

static int on_time(sd_event_source *source, uint64_t now_us, void *user)
{
	struct sample *sample = user;

	sample_events_tell(tr_node_api_tell, sample->api);
	sd_event_source_set_time(source, now_us + EVENTS_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_show(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct sample *sample = user;

	(void)source, (void)info;
	api_source_show(&sample->node, 0);
	return 0;
}

static int run(struct sample *sample, sd_event *event, const char *socket, const char *token)
{
	const struct tr_node_api_settings settings = {
		.socket_path = socket,
		.socket_mode = 0600,
		.bind = "127.0.0.1",
		.name = "",
		.token = token,
		.certificate_file = "",
		.key_file = "",
	};

	int rc = tr_node_api_create(event, &settings, &sample->node.source, &sample->api);
	if (rc < 0)
		return rc;
	printf("%d\n", tr_node_api_port(sample->api));
	fflush(stdout);
	rc = sd_event_loop(event);
	tr_node_api_destroy(sample->api);
	return rc;
}

int main(int argc, char **argv)
{
	static struct sample sample;
	sd_event *event;

	if (argc != 3 || sd_event_new(&event) < 0)
		return 2;
	api_source_begin(&sample.node);
	sd_event_add_signal(event, NULL, SIGTERM | SD_EVENT_SIGNAL_PROCMASK, NULL, NULL);
	sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, EVENTS_US, 0, on_time, &sample);
	sd_event_add_signal(event, NULL, SIGUSR1 | SD_EVENT_SIGNAL_PROCMASK, on_show, &sample);
	int rc = run(&sample, event, argv[1], argv[2]);
	api_source_end(&sample.node);
	sd_event_unref(event);
	return rc < 0;
}
