#include "control/xmpp_stream_internal.h"

#include <errno.h>
#include <string.h>

#include "core/log.h"

#define TR_LOG_AREA "xmpp"

#define ORDERS_MAX 256

void tr_xmpp_order_destroy(struct tr_xmpp_order *order)
{
	if (!order)
		return;
	free(order->to);
	free(order->id);
	free((char *)order->report.session_id);
	free((char *)order->report.sip_address);
	free((char *)order->report.failure);
	free(order->error_type);
	free(order->condition);
	free(order);
}

void tr_xmpp_order_append(struct tr_xmpp_orders *queue, struct tr_xmpp_order *order)
{
	if (!queue->first)
		queue->end = &queue->first;
	order->next = NULL;
	*queue->end = order;
	queue->end = &order->next;
	queue->count++;
}

struct tr_xmpp_order *tr_xmpp_order_take(struct tr_xmpp_orders *queue)
{
	struct tr_xmpp_order *order = queue->first;

	if (order) {
		queue->first = order->next;
		queue->count--;
	}
	return order;
}

static void wake(struct tr_xmpp_stream *stream)
{
	uint64_t one = 1;

	if (write(stream->eventfd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		tr_fail(-errno, "%s: cannot wake the connection", stream->name);
}

/* Takes the order. When the thread does not come to read, what would be too late anyway goes. */
static void give(struct tr_xmpp_stream *stream, struct tr_xmpp_order *order)
{
	bool is_kept = order->type == TR_XMPP_ORDER_PUBLISH || order->type == TR_XMPP_ORDER_QUIT;

	pthread_mutex_lock(&stream->lock);
	bool has_room = is_kept || stream->orders.count < ORDERS_MAX;
	if (has_room)
		tr_xmpp_order_append(&stream->orders, order);
	pthread_mutex_unlock(&stream->lock);
	if (!has_room) {
		tr_warning(
			"%s: dropping an answer, the connection does not take any", stream->name);
		tr_xmpp_order_destroy(order);
	}
	wake(stream);
}

static struct tr_xmpp_order *new_order(struct tr_xmpp_stream *stream, enum tr_xmpp_order_type type)
{
	struct tr_xmpp_order *order = calloc(1, sizeof(*order));

	if (order)
		order->type = type;
	else
		tr_fail(-ENOMEM, "%s: an order is lost", stream->name);
	return order;
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

static void copy_report(struct tr_xmpp_order *order, const struct tr_jibri_iq_report *report)
{
	order->report = *report;
	order->report.failure = copy(report->failure);
	order->report.session_id = copy(report->session_id);
	order->report.sip_address = copy(report->sip_address);
}

void tr_xmpp_stream_publish(struct tr_xmpp_stream *stream, bool is_busy, bool is_healthy)
{
	struct tr_xmpp_order *order = new_order(stream, TR_XMPP_ORDER_PUBLISH);

	if (!order)
		return;
	order->is_busy = is_busy;
	order->is_healthy = is_healthy;
	give(stream, order);
}

void tr_xmpp_stream_answer(struct tr_xmpp_stream *stream, const struct tr_xmpp_news *request,
	const struct tr_jibri_iq_report *report)
{
	struct tr_xmpp_order *order = new_order(stream, TR_XMPP_ORDER_ANSWER);

	if (!order)
		return;
	order->age = request->age;
	order->to = copy(request->from);
	order->id = copy(request->id);
	copy_report(order, report);
	give(stream, order);
}

void tr_xmpp_stream_refuse(struct tr_xmpp_stream *stream, const struct tr_xmpp_news *request,
	const char *error_type, const char *condition)
{
	struct tr_xmpp_order *order = new_order(stream, TR_XMPP_ORDER_ERROR);

	if (!order)
		return;
	order->age = request->age;
	order->to = copy(request->from);
	order->id = copy(request->id);
	order->error_type = copy(error_type);
	order->condition = copy(condition);
	give(stream, order);
}

void tr_xmpp_stream_report(struct tr_xmpp_stream *stream, const char *to, unsigned age,
	const struct tr_jibri_iq_report *report)
{
	struct tr_xmpp_order *order = new_order(stream, TR_XMPP_ORDER_REPORT);

	if (!order)
		return;
	order->age = age;
	order->to = copy(to);
	copy_report(order, report);
	give(stream, order);
}

void tr_xmpp_stream_quit(struct tr_xmpp_stream *stream)
{
	struct tr_xmpp_order *order = new_order(stream, TR_XMPP_ORDER_QUIT);

	if (order)
		give(stream, order);
}
