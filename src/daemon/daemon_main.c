/*
 * telerecd: reads the configuration, puts the rooms together, and leaves in good order.
 *
 * SIGTERM and SIGINT end the recordings and then the process, a second one at once; SIGUSR1 waits
 * for the recordings to end by themselves.
 */
#define TR_LOG_AREA "telerecd"

#include "control/metrics.h"
#include "daemon/api_door.h"
#include "daemon/daemon_settings.h"
#include "daemon/gpuwatch.h"
#include "daemon/linkwatch.h"
#include "daemon/listeners.h"
#include "daemon/watchers.h"
#include "protocol/slot_client.h"
#include "system/service.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#define EXIT_USAGE 2
#define LEAVE_US 200000

struct daemon {
	sd_event *event;
	struct tr_node *node;
	struct tr_jibri_http *http;
	struct tr_xmpp *xmpp; /* NULL without environments */
	struct tr_linkwatch *links;
	struct tr_watchers *watchers;
	struct tr_gpuwatch *gpus; /* NULL where there is no udev */
	struct tr_logbook *logbook;
	struct tr_api_door *door;
	struct tr_listeners listeners;
	int exit_code;
};

/* ---- the node's words ---- */

static void set_presence(void *user, unsigned slot, bool is_busy, bool is_healthy)
{
	struct daemon *daemon = user;

	if (daemon->xmpp)
		tr_xmpp_set_presence(daemon->xmpp, slot, is_busy, is_healthy);
}

static void send_status(void *user, const struct tr_control_origin *origin, const char *session_id,
	enum tr_control_status status, bool should_retry)
{
	struct daemon *daemon = user;

	if (daemon->xmpp)
		tr_xmpp_send_status(daemon->xmpp, origin, session_id, status, should_retry);
}

static void began(void *user, const char *session_id)
{
	struct daemon *daemon = user;
	tr_jibri_http_session_began(daemon->http, session_id);
}

static void over(void *user, const char *session_id)
{
	struct daemon *daemon = user;
	tr_jibri_http_session_over(daemon->http, session_id);
}

static void describe(void *user, const char *sentence)
{
	(void)user;
	sd_notifyf(0, "STATUS=%s", sentence);
}

static int on_leave(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;

	(void)source, (void)usec;
	return sd_event_exit(daemon->event, daemon->exit_code);
}

/* Not at once: an answer may just be on its way to a client. */
static void leave(void *user, int exit_code)
{
	struct daemon *daemon = user;

	daemon->exit_code = exit_code;
	int rc = sd_event_add_time_relative(
		daemon->event, NULL, CLOCK_MONOTONIC, LEAVE_US, 0, on_leave, daemon);
	if (rc < 0)
		sd_event_exit(daemon->event, exit_code);
}

static void tell(const struct tr_event *event, void *user)
{
	struct daemon *daemon = user;
	tr_listeners_tell(event, &daemon->listeners);
}

static void hear_slot(void *user, unsigned slot, const char *line)
{
	struct daemon *daemon = user;
	tr_logbook_add(daemon->logbook, slot, line);
}

/* ---- signals ---- */

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct daemon *daemon = user;

	(void)source;
	tr_info("%s: ending", strsignal((int)info->ssi_signo));
	sd_notify(0, "STOPPING=1");
	tr_node_shut_down(daemon->node, 0);
	return 0;
}

static int on_drain(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	struct daemon *daemon = user;

	(void)source, (void)info;
	tr_node_drain(daemon->node, TR_NODE_EXIT_STAY_DOWN);
	return 0;
}

static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *user)
{
	(void)source, (void)info, (void)user;
	tr_warning(
		"SIGHUP: new settings are read at a start only; notifyConfigChanged or a restart "
		"does that");
	return 0;
}

static int add_signals(struct daemon *daemon)
{
	static const struct {
		int signal;
		sd_event_signal_handler_t handler;
	} signals[] = {
		{SIGTERM, on_end}, {SIGINT, on_end}, {SIGUSR1, on_drain}, {SIGHUP, on_reload}};

	for (size_t i = 0; i < TR_COUNT(signals); i++) {
		int rc = sd_event_add_signal(daemon->event, NULL,
			signals[i].signal | SD_EVENT_SIGNAL_PROCMASK, signals[i].handler, daemon);
		if (rc < 0)
			return rc;
	}
	return sd_event_set_watchdog(daemon->event, true);
}

/* ---- putting together ---- */

static int start_node(struct daemon *daemon, const struct tr_config *config, unsigned slots)
{
	TR_CLEANUP(tr_freep) struct tr_node_settings *settings = calloc(1, sizeof(*settings));
	const struct tr_node_outside outside = {
		daemon, set_presence, send_status, began, over, describe, leave, tell, hear_slot};
	char program[PATH_MAX] = "", sockets[PATH_MAX] = "";

	if (!settings)
		return -ENOMEM;
	int rc = tr_daemon_settings_fill_node(config, slots, settings);
	if (rc == 0)
		rc = tr_service_find_slot_sockets(config->processes, sockets, sizeof(sockets));
	if (rc < 0)
		return rc;
	settings->supervisor.program = program;
	settings->supervisor.socket_dir = sockets[0] ? sockets : NULL;
	if (!settings->supervisor.socket_dir) {
		rc = tr_slot_client_find_program("telerec-slot", program, sizeof(program));
		if (rc < 0)
			return tr_fail(
				rc, "%s is missing; is telerec installed completely?", program);
	}
	return tr_node_create(daemon->event, settings, &outside, &daemon->node);
}

static int start_xmpp(struct daemon *daemon, const struct tr_config *config, unsigned slots)
{
	TR_CLEANUP(tr_freep) struct tr_daemon_settings_xmpp *xmpp = calloc(1, sizeof(*xmpp));
	if (!xmpp)
		return -ENOMEM;
	int rc = tr_daemon_settings_fill_xmpp(config, slots, xmpp);
	if (rc == 0 && xmpp->count > 0)
		rc = tr_xmpp_create(daemon->event, &xmpp->settings, tr_node_actions(daemon->node),
			&daemon->xmpp);
	if (rc == 0)
		rc = tr_linkwatch_create(daemon->event, daemon->xmpp, tell, daemon, &daemon->links);
	return rc;
}

static int start_watchers(struct daemon *daemon, const struct tr_config *config)
{
	int rc = tr_watchers_create(
		daemon->event, config, tr_node_actions(daemon->node), &daemon->watchers);
	if (rc == 0)
		tr_listeners_add(&daemon->listeners, tr_watchers_tell, daemon->watchers);
	return rc;
}

static void look_for_encoders(void *user)
{
	const struct daemon *daemon = user;
	tr_node_look_for_encoders(daemon->node);
}

static void watch_gpus(struct daemon *daemon)
{
	int rc = tr_gpuwatch_create(daemon->event, look_for_encoders, daemon, &daemon->gpus);
	if (rc < 0)
		tr_info("GPUs that come or go are noticed at the next start only: %s",
			strerror(-rc));
}

/* For Jibri's external port. */
static int print_metrics(void *user, char **ret_text)
{
	const struct daemon *daemon = user;
	TR_CLEANUP(tr_freep) struct tr_snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return -ENOMEM;
	tr_node_read(daemon->node, snapshot);
	tr_linkwatch_read(daemon->links, snapshot);
	return tr_metrics_print(snapshot, ret_text);
}

static int start_http(struct daemon *daemon, const struct tr_config *config)
{
	struct tr_jibri_http_settings settings = {0};

	tr_daemon_settings_fill_http(config, &settings);
	settings.print_metrics = config->stats.prometheus ? print_metrics : NULL;
	settings.user = daemon;
	int rc = tr_jibri_http_create(
		daemon->event, &settings, tr_node_actions(daemon->node), &daemon->http);
	if (rc < 0)
		return rc;
	if (settings.external_port >= 0)
		tr_info("Jibri's external HTTP API is on port %d",
			tr_jibri_http_external_port(daemon->http));
	if (settings.internal_port >= 0)
		tr_info("Jibri's internal HTTP API is on port %d",
			tr_jibri_http_internal_port(daemon->http));
	return 0;
}

static void read_links(void *user, struct tr_snapshot *snapshot)
{
	const struct daemon *daemon = user;
	tr_linkwatch_read(daemon->links, snapshot);
}

static int open_api(struct daemon *daemon, const struct tr_config *config, const char *path)
{
	const struct tr_api_source_settings settings = {
		.config = config,
		.config_path = path,
		.node = daemon->node,
		.logbook = daemon->logbook,
		.read_links = read_links,
		.user = daemon,
	};

	int rc = tr_api_door_open(daemon->event, &settings, &daemon->door);
	if (rc == 0)
		tr_listeners_add(&daemon->listeners, tr_api_door_tell, daemon->door);
	return rc;
}

/* Control goes first: the breweries see us leave before the slots take their time. */
static void stop(struct daemon *daemon)
{
	if (daemon->door)
		tr_listeners_remove(&daemon->listeners, daemon->door);
	tr_api_door_close(tr_take(daemon->door));
	tr_linkwatch_destroy(tr_take(daemon->links));
	tr_xmpp_destroy(tr_take(daemon->xmpp));
	tr_jibri_http_destroy(tr_take(daemon->http));
	if (daemon->watchers)
		tr_listeners_remove(&daemon->listeners, daemon->watchers);
	tr_watchers_destroy(tr_take(daemon->watchers));
	tr_gpuwatch_destroy(tr_take(daemon->gpus));
	tr_node_destroy(daemon->node);
	tr_logbook_destroy(daemon->logbook);
	sd_event_unref(daemon->event);
}

static int start(struct daemon *daemon, const struct tr_config *config, const char *path)
{
	unsigned slots = tr_daemon_settings_count_slots(config);

	int rc = sd_event_default(&daemon->event);
	if (rc >= 0)
		rc = tr_logbook_create(&daemon->logbook);
	if (rc >= 0)
		rc = add_signals(daemon);
	if (rc < 0)
		return tr_fail(rc, "no event loop");
	rc = start_node(daemon, config, slots);
	if (rc == 0)
		rc = start_watchers(daemon, config);
	if (rc == 0)
		rc = start_xmpp(daemon, config, slots);
	if (rc == 0)
		rc = start_http(daemon, config);
	if (rc == 0)
		rc = open_api(daemon, config, path);
	if (rc < 0)
		return rc;
	watch_gpus(daemon);
	tr_node_publish(daemon->node);
	tr_info("telerecd %s keeps %u slots for %u environments", TR_VERSION, slots,
		config->environment_count);
	sd_notify(0, "READY=1");
	return 0;
}

static int serve(const struct tr_config *config, const char *path)
{
	struct daemon daemon = {0};

	int rc = start(&daemon, config, path);
	if (rc == 0)
		rc = sd_event_loop(daemon.event);
	sd_notify(0, "STOPPING=1");
	stop(&daemon);
	return rc < 0 ? 1 : rc;
}

/* Passwords lie in our memory: neither a core dump nor a debugger of our user gets at them. */
static void keep_secrets(void)
{
	const struct rlimit none = {0, 0};

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0)
		tr_warning("core dumps cannot be forbidden: %s", strerror(errno));
}

static int load_config(const char *path, bool is_check, struct tr_config *config)
{
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	if (!complaints)
		return -ENOMEM;
	int rc = tr_config_load(path, config, complaints);
	if (rc == 0 && is_check)
		rc = tr_config_check_files(config, path, complaints);
	for (unsigned i = 0; i < complaints->warning_count && i < TR_CONFIG_WARNINGS_MAX; i++)
		tr_warning("%s", complaints->warnings[i]);
	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		tr_error("%s", complaints->lines[i]);
	return rc;
}

int main(int argc, char **argv)
{
	const char *path = TR_CONFIG_DEFAULT_PATH;
	bool is_check = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--config") && i + 1 < argc) {
			path = argv[++i];
		} else if (!strcmp(argv[i], "--check")) {
			is_check = true;
		} else if (!strcmp(argv[i], "--version")) {
			return puts("telerecd " TR_VERSION) < 0;
		} else {
			fputs("telerecd [--config FILE] [--check] [--version]; see telerecd(8)\n",
				stderr);
			return EXIT_USAGE;
		}
	}
	keep_secrets();
	struct tr_config *config = calloc(1, sizeof(*config));
	if (!config)
		return 1;
	int status = EXIT_USAGE;
	if (load_config(path, is_check, config) == 0) {
		tr_log_set_level(tr_daemon_settings_log_level(config));
		signal(SIGPIPE, SIG_IGN);
		status = is_check ? 0 : serve(config, path);
	}
	explicit_bzero(config, sizeof(*config));
	free(config);
	return status;
}
