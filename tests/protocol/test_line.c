#include "test.h"

#include "protocol/line.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static struct tr_line *near, *far;
static int raw; /* the far end without a line, for what no line would send */

static int start_two_lines(void **state)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(tr_line_create(fds[0], &near), 0);
	assert_int_equal(tr_line_create(fds[1], &far), 0);
	return 0;
}

static int start_line_and_raw(void **state)
{
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(tr_line_create(fds[0], &near), 0);
	raw = fds[1];
	return 0;
}

static int end_two_lines(void **state)
{
	tr_line_destroy(near);
	tr_line_destroy(far);
	near = far = NULL;
	return 0;
}

static int end_line_and_raw(void **state)
{
	tr_line_destroy(near);
	if (raw >= 0)
		close(raw);
	near = NULL;
	return 0;
}

static void send_number(struct tr_line *line, int number, int fd)
{
	json_t *object = json_pack("{s:i}", "n", number);
	assert_int_equal(tr_line_send(line, object, fd), 0);
	json_decref(object);
}

static void expect_number(struct tr_line *line, int number, int *ret_fd)
{
	json_t *object = NULL;
	assert_int_equal(tr_line_receive(line, &object, ret_fd), 0);
	assert_int_equal(json_integer_value(json_object_get(object, "n")), number);
	assert_int_equal(json_object_size(object), 1);
	json_decref(object);
}

static void put(const char *text)
{
	assert_int_equal(write(raw, text, strlen(text)), (ssize_t)strlen(text));
}

static void objects_arrive_whole_and_in_order(void **state)
{
	json_t *object;

	assert_int_equal(tr_line_receive(far, &object, NULL), -EAGAIN);
	for (int i = 0; i < 50; i++)
		send_number(near, i, -1);
	for (int i = 0; i < 50; i++)
		expect_number(far, i, NULL);
	assert_int_equal(tr_line_receive(far, &object, NULL), -EAGAIN);
}

static void a_line_in_pieces_is_given_when_it_ends(void **state)
{
	json_t *object;

	put("{\"n\"");
	assert_int_equal(tr_line_receive(near, &object, NULL), -EAGAIN);
	put(": 7}");
	assert_int_equal(tr_line_receive(near, &object, NULL), -EAGAIN);
	put("\n{\"n\":8}\n");
	expect_number(near, 7, NULL);
	expect_number(near, 8, NULL);
}

static void a_descriptor_stays_with_its_line(void **state)
{
	int fds[2], got = -1;
	struct stat sent, received;

	assert_int_equal(pipe(fds), 0);
	send_number(near, 1, -1);
	send_number(near, 2, fds[0]);
	send_number(near, 3, -1);
	expect_number(far, 1, &got);
	assert_int_equal(got, -1);
	expect_number(far, 2, &got);
	assert_true(got >= 0);
	assert_int_equal(fstat(fds[0], &sent), 0);
	assert_int_equal(fstat(got, &received), 0);
	assert_int_equal(sent.st_ino, received.st_ino);
	assert_true(fcntl(got, F_GETFD) & FD_CLOEXEC);
	close(got);
	expect_number(far, 3, &got);
	assert_int_equal(got, -1);
	close(fds[0]);
	close(fds[1]);
}

static void a_descriptor_that_nobody_fetches_is_closed(void **state)
{
	int fds[2];
	char byte;

	assert_int_equal(pipe(fds), 0);
	send_number(near, 1, fds[1]);
	close(fds[1]);
	expect_number(far, 1, NULL);
	assert_int_equal(read(fds[0], &byte, 1), 0); /* no writer is left */
	close(fds[0]);
}

static void what_the_socket_does_not_take_waits_and_too_much_is_refused(void **state)
{
	static char text[200 * 1024];
	json_t *object, *got = NULL;
	int sent = 0, received = 0, rc;

	memset(text, 'x', sizeof(text) - 1);
	object = json_pack("{s:s}", "text", text);
	while ((rc = tr_line_send(near, object, -1)) == 0)
		sent++;
	assert_int_equal(rc, -ENOBUFS);
	assert_true(sent >= TR_LINE_MAX_WAITING_BYTES / (int)sizeof(text) - 1);
	assert_true(tr_line_wants_to_send(near));
	while (received < sent) {
		rc = tr_line_receive(far, &got, NULL);
		if (rc == -EAGAIN) {
			assert_int_equal(tr_line_flush(near), 0);
			continue;
		}
		assert_int_equal(rc, 0);
		assert_true(json_equal(got, object));
		json_decref(got);
		received++;
	}
	assert_false(tr_line_wants_to_send(near));
	json_decref(object);
}

static void the_end_comes_after_everything_that_was_sent(void **state)
{
	json_t *object;

	put("{\"n\":1}\n{\"n\":");
	close(raw);
	raw = -1;
	expect_number(near, 1, NULL);
	assert_int_equal(tr_line_receive(near, &object, NULL), -EPIPE);
	assert_int_equal(tr_line_receive(near, &object, NULL), -EPIPE);
	object = json_object();
	assert_int_equal(tr_line_send(near, object, -1), -EPIPE);
	json_decref(object);
}

static void a_line_that_is_no_object_is_refused_and_skipped(void **state)
{
	json_t *object;

	put("nonsense\n[1]\n\n{\"n\":1,\"n\":2}\n{\"n\":3}\n");
	for (int i = 0; i < 4; i++)
		assert_int_equal(tr_line_receive(near, &object, NULL), -EPROTO);
	expect_number(near, 3, NULL);
}

static void an_announced_descriptor_that_does_not_come_is_a_fault(void **state)
{
	json_t *object;

	put("{\"with_descriptor\":true}\n");
	assert_int_equal(tr_line_receive(near, &object, NULL), -EPROTO);
}

static void a_line_without_end_is_given_up_at_the_bound(void **state)
{
	static char block[64 * 1024];
	json_t *object;
	int rc = -EAGAIN;

	memset(block, ' ', sizeof(block));
	assert_int_equal(fcntl(raw, F_SETFL, O_NONBLOCK), 0);
	for (size_t sent = 0; rc == -EAGAIN && sent < 2 * TR_LINE_MAX_BYTES;) {
		ssize_t n = write(raw, block, sizeof(block));
		sent += n > 0 ? (size_t)n : 0;
		rc = tr_line_receive(near, &object, NULL);
	}
	assert_int_equal(rc, -EPROTO);
	assert_int_equal(tr_line_receive(near, &object, NULL), -EPROTO);
}

static void an_object_over_the_bound_is_not_sent(void **state)
{
	char *text = malloc(TR_LINE_MAX_BYTES + 1);
	memset(text, 'x', TR_LINE_MAX_BYTES);
	text[TR_LINE_MAX_BYTES] = '\0';
	json_t *object = json_pack("{s:s}", "text", text);
	assert_int_equal(tr_line_send(near, object, -1), -EMSGSIZE);
	json_decref(object);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			objects_arrive_whole_and_in_order, start_two_lines, end_two_lines),
		cmocka_unit_test_setup_teardown(a_line_in_pieces_is_given_when_it_ends,
			start_line_and_raw, end_line_and_raw),
		cmocka_unit_test_setup_teardown(
			a_descriptor_stays_with_its_line, start_two_lines, end_two_lines),
		cmocka_unit_test_setup_teardown(
			a_descriptor_that_nobody_fetches_is_closed, start_two_lines, end_two_lines),
		cmocka_unit_test_setup_teardown(
			what_the_socket_does_not_take_waits_and_too_much_is_refused,
			start_two_lines, end_two_lines),
		cmocka_unit_test_setup_teardown(the_end_comes_after_everything_that_was_sent,
			start_line_and_raw, end_line_and_raw),
		cmocka_unit_test_setup_teardown(a_line_that_is_no_object_is_refused_and_skipped,
			start_line_and_raw, end_line_and_raw),
		cmocka_unit_test_setup_teardown(
			an_announced_descriptor_that_does_not_come_is_a_fault, start_line_and_raw,
			end_line_and_raw),
		cmocka_unit_test_setup_teardown(a_line_without_end_is_given_up_at_the_bound,
			start_line_and_raw, end_line_and_raw),
		cmocka_unit_test_setup_teardown(
			an_object_over_the_bound_is_not_sent, start_two_lines, end_two_lines),
	};
	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
