/* Any bytes as a stanza of the brewery: presences move the membership, a <jibri/> is taken apart,
 * its room becomes an address, and what is answered must be XML that says the same. */
#include "control/brewery.h"
#include "control/jibri_iq.h"
#include "control/room_url.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"

#define SIZE_MAX_ (256 << 10) /* servers take no more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libstrophe forgets half of a document that ends too soon. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libstrophe\nleak:xmpp_stanza_new_from_string";
}

static void check_presence(xmpp_stanza_t *stanza)
{
	const struct tr_brewery_waits waits = {100, 100, 800, 50, 900, 10, 100, 100};
	struct tr_brewery brewery;
	int64_t now = 1;

	if (tr_brewery_init(&brewery, "Brew", "muc.test", "me", "focus@a.test", &waits) < 0)
		abort();
	tr_brewery_reset(&brewery, "me@a.test/r", now);
	for (unsigned i = 0; i < 12; i++) {
		for (unsigned j = 0; tr_brewery_next(&brewery, now) != TR_BREWERY_NONE; j++) {
			if (j > 8) /* the same order for ever */
				abort();
		}
		tr_brewery_take_presence(&brewery, stanza, now);
		tr_brewery_take_pong(&brewery, tr_brewery_condition(stanza), now);
		tr_brewery_may_order(&brewery, xmpp_stanza_get_from(stanza));
		now += 60 * TR_NS_PER_MS;
	}
}

static void check_answer(xmpp_ctx_t *ctx, const struct tr_jibri_iq *iq, const char *id)
{
	const struct tr_jibri_iq_report report = {
		TR_JIBRI_IQ_OFF, "busy", true, iq->session_id, iq->sip_address};
	xmpp_stanza_t *made = tr_jibri_iq_build(ctx, "b@muc.test/focus", id, true, &report);
	struct tr_jibri_iq *back;
	char *text;
	size_t size;

	if (!made || xmpp_stanza_to_text(made, &text, &size) != XMPP_EOK)
		abort();
	xmpp_stanza_t *read = xmpp_stanza_new_from_string(ctx, text);
	xmpp_stanza_t *jibri = read ? xmpp_stanza_get_child_by_name(read, "jibri") : NULL;
	if (!jibri || tr_jibri_iq_parse(jibri, &back) < 0)
		abort();
	/* A new line in an attribute is read as a space, by XML's rules. */
	if (!strpbrk(iq->session_id, "\t\r\n") && strcmp(back->session_id, iq->session_id))
		abort();
	tr_jibri_iq_destroy(back);
	xmpp_free(ctx, text);
	xmpp_stanza_release(read);
	xmpp_stanza_release(made);
}

static void check_room(const char *room)
{
	const struct tr_room_url_rule rule = {"meet.test", "", "conference."};
	struct tr_room_url url;

	int rc = tr_room_url_make(&rule, room, &url);
	if (rc < 0) {
		if (rc != -EINVAL && rc != -EDOM)
			abort();
		return;
	}
	if (strncmp(url.url, "https://meet.test/", 18) || strpbrk(url.url, " \"<>\\#?"))
		abort();
	tr_room_url_fini(&url);
}

static void check_jibri(xmpp_ctx_t *ctx, xmpp_stanza_t *jibri, const char *id)
{
	struct tr_jibri_iq *iq;
	char *metadata;

	if (tr_jibri_iq_parse(jibri, &iq) < 0)
		return;
	free(tr_jibri_iq_stream_url(iq));
	free(tr_jibri_iq_view_url(iq));
	if (tr_jibri_iq_metadata(iq, &metadata) == 0)
		free(metadata);
	check_room(iq->room);
	check_answer(ctx, iq, id);
	tr_jibri_iq_destroy(iq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > SIZE_MAX_)
		return 0;
	TR_CLEANUP(tr_freep) char *text = strndup((const char *)data, size);
	xmpp_ctx_t *ctx = text ? xmpp_ctx_new(NULL, NULL) : NULL;
	xmpp_stanza_t *stanza = ctx ? xmpp_stanza_new_from_string(ctx, text) : NULL;

	tr_log_set_level(TR_LOG_NONE);
	if (stanza && xmpp_stanza_get_name(stanza)) {
		xmpp_stanza_t *jibri = xmpp_stanza_get_child_by_name(stanza, "jibri");
		check_presence(stanza);
		if (jibri)
			check_jibri(ctx, jibri, xmpp_stanza_get_id(stanza));
	}
	if (stanza)
		xmpp_stanza_release(stanza);
	if (ctx)
		xmpp_ctx_free(ctx);
	return 0;
}
