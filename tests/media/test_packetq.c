#include "test.h"

#include "media/packetq.h"

#include <errno.h>
#include <pthread.h>

#define MANY 2000

static struct tr_packetq *queue;

static int start(void **state)
{
	return tr_packetq_create(4, 100, &queue);
}

static int stop(void **state)
{
	tr_packetq_destroy(queue);
	return 0;
}

static int push(size_t size, int64_t pts_ns, int timeout_ms)
{
	struct tr_packet *packet = tr_packet_create(TR_PACKET_VIDEO, size);
	packet->pts_ns = pts_ns;
	return tr_packetq_push(queue, packet, timeout_ms);
}

static void it_is_bounded_in_packets_and_bytes(void **state)
{
	for (int i = 0; i < 4; i++)
		assert_int_equal(push(1, i, 0), 0);
	assert_int_equal(push(1, 4, 1), -ETIMEDOUT);
	assert_int_equal(tr_packetq_bytes(queue), 4);
}

static void one_packet_fits_however_large(void **state)
{
	assert_int_equal(push(5000, 0, 0), 0);
	assert_int_equal(push(1, 1, 1), -ETIMEDOUT);
}

static void after_close_the_rest_comes_out(void **state)
{
	struct tr_packet *packet;
	assert_int_equal(push(1, 7, 0), 0);
	tr_packetq_close(queue);
	assert_int_equal(push(1, 8, 0), -EPIPE);
	assert_int_equal(tr_packetq_pop(queue, 0, &packet), 0);
	assert_int_equal(packet->pts_ns, 7);
	tr_packet_unref(packet);
	assert_int_equal(tr_packetq_pop(queue, 0, &packet), -EPIPE);
}

static void an_empty_one_says_so(void **state)
{
	struct tr_packet *packet;
	assert_int_equal(tr_packetq_pop(queue, 1, &packet), -EAGAIN);
}

static void *push_many(void *user)
{
	for (int i = 0; i < MANY; i++)
		if (push(10, i, 60000) < 0)
			return user;
	tr_packetq_close(queue);
	return NULL;
}

static void order_holds_between_threads(void **state)
{
	struct tr_packet *packet;
	pthread_t thread;
	void *failed;
	int next = 0;
	assert_int_equal(pthread_create(&thread, NULL, push_many, &next), 0);
	while (tr_packetq_pop(queue, 60000, &packet) == 0) {
		assert_int_equal(packet->pts_ns, next++);
		tr_packet_unref(packet);
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(next, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
		TEST(it_is_bounded_in_packets_and_bytes),
		TEST(one_packet_fits_however_large),
		TEST(after_close_the_rest_comes_out),
		TEST(an_empty_one_says_so),
		TEST(order_holds_between_threads),
	};
	return cmocka_run_group_tests_name("packetq", tests, NULL, NULL);
}
