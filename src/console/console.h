/*
 * `telerec console`: the screens on a terminal, all state from the node API.
 *
 * Screens, one a file: home, wall, slot_view, setup (a menu of pages, one a file), kernel_page,
 * recordings_page, recording_view, system_page, doctor_page, logs_page. screens.h names them all.
 */
#ifndef TR_CONSOLE_CONSOLE_H
#define TR_CONSOLE_CONSOLE_H

#include "console/term.h"
#include "protocol/node_client.h"

struct tr_console_settings {
	struct tr_term_settings term;
	struct tr_node_client_settings node;
	const char *screen;  /* the first one's name; NULL: home */
	const char *program; /* the full path of `telerec` */
	const char *config;  /* telerec.conf, for Set-up on this machine */
	bool is_appliance; /* it stays: leaving asks for the PIN where there is one, see system_page
			    */
};

/* Until somebody leaves, or the terminal goes away. 0; -ENOENT for a screen of that name is none;
 * else as tr_term_open(). SIGTERM and SIGHUP end it, and stay blocked behind it: the program ends.
 */
TR_CHECKED int tr_console_run(const struct tr_console_settings *settings);

#endif
