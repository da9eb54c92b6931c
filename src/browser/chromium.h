/*
 * The Chromium process of a slot: found, given a fresh profile, started with flags that leave
 * nothing but the page on the screen, and ended without leaving anything behind.
 *
 * Needs no right of any kind: it is started by an ordinary user, and Chromium's own sandbox (user
 * namespaces) stays on.
 */
#ifndef TR_BROWSER_CHROMIUM_H
#define TR_BROWSER_CHROMIUM_H

#include "core/child.h"

#include <stdbool.h>
#include <systemd/sd-event.h>

struct tr_chromium_settings {
	const char *binary;	  /* NULL: the first that is installed */
	const char *runtime_dir;  /* private folder of this user; the browser's is made below it */
	const char *display;	  /* ":7"; its screen is 8 pixels larger than the window each way */
	int width, height;	  /* the window, at 0,0, in pixels */
	const char *alsa_pcm;	  /* PCM that takes the sound; NULL: the system's default */
	const char *alsa_config;  /* ALSA configuration that has it; NULL: the system's */
	const char *host_rules;	  /* value of --host-resolver-rules; NULL: none */
	const char *hosts;	  /* instead of it, as host_rules.h says; NULL or "": any */
	bool allow_no_sandbox;	  /* only where the kernel refuses user namespaces */
	const char *const *flags; /* further flags, NULL-terminated; NULL: none */
	const char *const *env;	  /* further "NAME=value", NULL-terminated; NULL: none */
};

struct tr_chromium;

/* Gives the path of the program to run. -ENOENT (said, with what to install). */
TR_CHECKED int tr_chromium_find(const char *configured, char *out, size_t size);

/*
 * Borrows the settings. Gives the socket of the DevTools pipe in *ret_fd. -EPERM for root or
 * without a sandbox, -EINVAL for hosts that are none, -ENOENT without a browser, else -errno; all
 * are said. Standard error goes to "chromium.log" in runtime_dir, the first 256 KiB of it.
 */
TR_CHECKED int tr_chromium_start(sd_event *event, const struct tr_chromium_settings *settings,
	struct tr_chromium **ret_chromium, int *ret_fd);

/* The process; pidfd is readable when it has ended. */
const struct tr_child *tr_chromium_child(const struct tr_chromium *chromium);

/* Reaps the ended process and gives its wait status; -ETIMEDOUT while it runs. */
TR_CHECKED int tr_chromium_reap(struct tr_chromium *chromium);

/* The last line of its standard error that says something, "" when there is none. */
void tr_chromium_last_words(struct tr_chromium *chromium, char *out, size_t size);

/* Kills all of it at once, reaps, removes the profile. NULL is fine. */
void tr_chromium_stop(struct tr_chromium *chromium);

TR_CLEANUP_DEFINE(struct tr_chromium, tr_chromium_stop)

#endif
