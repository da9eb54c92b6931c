/* What a slot is told of the settings, by whoever starts it: telerecd and `telerec record`. */
#ifndef TR_CONFIG_SLOT_REQUEST_H
#define TR_CONFIG_SLOT_REQUEST_H

#include "config/config.h"
#include "output/target_list.h"
#include "protocol/message.h"

/* Size, display, sound, browser, encoder. The slot's number, folder, user and hosts are the
 * caller's. */
void tr_slot_request_fill_configure(
	const struct tr_config *config, struct tr_message_configure *to);

/* Quality and times of every recording. What is recorded, and for how long, is the caller's. */
void tr_slot_request_fill_start(const struct tr_config *config, struct tr_message_start *to);

/* Streams to these targets, besides. The picture of the streams is that of the file, so what
 * platforms ask for holds for both. -ENAMETOOLONG. */
TR_CHECKED int tr_slot_request_fill_streams(const struct tr_config *config,
	const struct tr_target_list *targets, struct tr_message_start *to);

#endif
