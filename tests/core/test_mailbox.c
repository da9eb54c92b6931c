#include "test.h"

#include "core/mailbox.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>

#define SENDERS 3
#define EACH 2000

static struct tr_mailbox *mailbox;

static int create(void **state)
{
	return tr_mailbox_create(4, sizeof(int), &mailbox);
}

static int destroy(void **state)
{
	tr_mailbox_destroy(mailbox);
	return 0;
}

static int is_readable(int timeout_ms)
{
	struct pollfd fd = {.fd = tr_mailbox_fd(mailbox), .events = POLLIN};
	return poll(&fd, 1, timeout_ms);
}

static void messages_come_out_in_order(void **state)
{
	int out;

	assert_int_equal(tr_mailbox_pop(mailbox, &out), -EAGAIN);
	for (int round = 0; round < 3; round++) { /* around the end of the ring */
		for (int i = 0; i < 3; i++)
			assert_int_equal(tr_mailbox_push(mailbox, &i), 0);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(tr_mailbox_pop(mailbox, &out), 0);
			assert_int_equal(out, i);
		}
	}
}

static void the_newest_is_refused_when_it_is_full(void **state)
{
	int out;

	for (int i = 0; i < 4; i++)
		assert_int_equal(tr_mailbox_push(mailbox, &i), 0);
	int late = 4;
	assert_int_equal(tr_mailbox_push(mailbox, &late), -ENOBUFS);
	assert_int_equal(tr_mailbox_pop(mailbox, &out), 0);
	assert_int_equal(out, 0);
}

static void it_is_readable_while_something_waits(void **state)
{
	int value = 1;

	assert_int_equal(is_readable(0), 0);
	assert_int_equal(tr_mailbox_push(mailbox, &value), 0);
	assert_int_equal(tr_mailbox_push(mailbox, &value), 0);
	assert_int_equal(is_readable(0), 1);
	assert_int_equal(tr_mailbox_pop(mailbox, &value), 0);
	assert_int_equal(is_readable(0), 1);
	assert_int_equal(tr_mailbox_pop(mailbox, &value), 0);
	assert_int_equal(is_readable(0), 0);
}

static void *send_many(void *argument)
{
	int base = *(int *)argument;

	for (int i = 0; i < EACH;) {
		int value = base + i;
		i += tr_mailbox_push(mailbox, &value) == 0;
	}
	return NULL;
}

static void nothing_is_lost_between_threads(void **state)
{
	pthread_t threads[SENDERS];
	int bases[SENDERS], next[SENDERS], value;

	for (int i = 0; i < SENDERS; i++) {
		bases[i] = next[i] = i * EACH;
		assert_int_equal(pthread_create(&threads[i], NULL, send_many, &bases[i]), 0);
	}
	for (int received = 0; received < SENDERS * EACH;) {
		assert_int_equal(is_readable(60000), 1);
		while (tr_mailbox_pop(mailbox, &value) == 0) {
			assert_int_equal(value, next[value / EACH]++);
			received++;
		}
	}
	for (int i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(tr_mailbox_pop(mailbox, &value), -EAGAIN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(messages_come_out_in_order),
		TEST(the_newest_is_refused_when_it_is_full),
		TEST(it_is_readable_while_something_waits),
		TEST(nothing_is_lost_between_threads),
	};
	return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
