/*
 * A slot: takes messages from its parent, drives the table of machine.h, carries out its orders.
 *
 * Everything happens on the caller's event loop and thread; the pipeline's threads send news
 * through a mailbox. The loop ends (sd_event_exit) when the slot has ended.
 */
#ifndef TR_SESSION_RECORDER_H
#define TR_SESSION_RECORDER_H

#include "core/cleanup.h"
#include "session/programs.h"

#include <systemd/sd-event.h>

struct tr_recorder;

/* Takes the socket `control_fd` and serves it once the loop runs. Keeps `programs`. */
TR_CHECKED int tr_recorder_create(sd_event *event, int control_fd,
	const struct tr_programs *programs, struct tr_recorder **ret_recorder);

/* Asks it to end (as SIGTERM does): finishes a recording first. */
void tr_recorder_quit(struct tr_recorder *recorder);

void tr_recorder_destroy(struct tr_recorder *recorder);

#endif
