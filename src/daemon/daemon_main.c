/* telerecd: reads the configuration, keeps the slots up, and ends with SIGTERM or SIGINT. */
#define TR_LOG_AREA "telerecd"

#include "config/config.h"
#include "core/log.h"
#include "protocol/slot_client.h"
#include "supervisor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define EXIT_USAGE 2

static enum tr_log_level log_level(const char *word)
{
	return !strcmp(word, "error")	  ? TR_LOG_ERROR
	       : !strcmp(word, "warning") ? TR_LOG_WARNING
	       : !strcmp(word, "debug")	  ? TR_LOG_DEBUG
					  : TR_LOG_INFO;
}

static int load_config(const char *path, struct tr_config *config)
{
	TR_CLEANUP(tr_freep)
	struct tr_config_complaints *complaints = calloc(1, sizeof(*complaints));
	if (!complaints)
		return -ENOMEM;
	int rc = tr_config_load(path, config, complaints);
	for (unsigned i = 0; i < complaints->count && i < TR_CONFIG_COMPLAINTS_MAX; i++)
		tr_error("%s", complaints->lines[i]);
	return rc;
}

static void fill_settings(const struct tr_config *config, struct tr_supervisor_settings *settings)
{
	struct tr_message_configure *to = &settings->configure;

	settings->slots = (unsigned)config->slots;
	settings->log_level = (int)log_level(config->log_level);
	to->width = config->video.width;
	to->height = config->video.height;
	to->frame_rate = config->video.frame_rate;
	snprintf(to->sound, sizeof(to->sound), "%s", config->sound.source);
	snprintf(to->sound_capture_pcm, sizeof(to->sound_capture_pcm), "%s",
		config->sound.capture_pcm);
	snprintf(
		to->sound_player_pcm, sizeof(to->sound_player_pcm), "%s", config->sound.player_pcm);
	snprintf(to->browser, sizeof(to->browser), "%s", config->browser.path);
	snprintf(to->encoder, sizeof(to->encoder), "%s", config->video.encoder);
}

/* Signals are blocked first: sd-event reads them from a descriptor. */
static int make_loop(sd_event **ret_event)
{
	sigset_t stopping;

	sigemptyset(&stopping);
	sigaddset(&stopping, SIGTERM);
	sigaddset(&stopping, SIGINT);
	sigprocmask(SIG_BLOCK, &stopping, NULL);
	int rc = sd_event_default(ret_event);
	if (rc >= 0)
		rc = sd_event_add_signal(*ret_event, NULL, SIGTERM, NULL, NULL);
	if (rc >= 0)
		rc = sd_event_add_signal(*ret_event, NULL, SIGINT, NULL, NULL);
	if (rc >= 0)
		rc = sd_event_set_watchdog(*ret_event, true);
	return rc < 0 ? tr_fail(rc, "no event loop") : 0;
}

static void on_condition(unsigned slot, void *user)
{
	(void)slot, (void)user;
}

static void on_message(unsigned slot, uint64_t job, const struct tr_message *message, void *user)
{
	(void)job, (void)user;
	tr_debug("slot %u says %s", slot, tr_message_type_name(message->type));
}

static int serve(const struct tr_config *config)
{
	TR_CLEANUP(sd_event_unrefp) sd_event *event = NULL;
	TR_CLEANUP(tr_supervisor_destroyp) struct tr_supervisor *supervisor = NULL;
	TR_CLEANUP(tr_freep) struct tr_supervisor_settings *settings = calloc(1, sizeof(*settings));
	char program[PATH_MAX];

	if (!settings)
		return -ENOMEM;
	int rc = tr_slot_client_find_program("telerec-slot", program, sizeof(program));
	if (rc < 0)
		return tr_fail(rc, "%s is missing; is telerec installed completely?", program);
	settings->program = program;
	fill_settings(config, settings);
	rc = make_loop(&event);
	if (rc == 0)
		rc = tr_supervisor_create(event, settings,
			&(struct tr_supervisor_events){on_condition, on_message}, NULL,
			&supervisor);
	if (rc < 0)
		return rc;
	tr_info("telerecd %s keeps %u slots", TR_VERSION, settings->slots);
	sd_notifyf(0, "READY=1\nSTATUS=%u slots", settings->slots);
	rc = sd_event_loop(event);
	sd_notify(0, "STOPPING=1");
	tr_info("ending");
	return rc;
}

int main(int argc, char **argv)
{
	TR_CLEANUP(tr_freep) struct tr_config *config = calloc(1, sizeof(*config));
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
	if (!config)
		return 1;
	if (load_config(path, config) < 0)
		return EXIT_USAGE;
	tr_log_set_level(log_level(config->log_level));
	if (is_check)
		return 0;
	return serve(config) < 0 ? 1 : 0;
}
