#include "test.h"

#include "core/file.h"
#include "core/text.h"
#include "system/machine_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO0Xf4nHBRYtJmDWMTXGNCMzMcMtBmqtMsxTNNbbFFyN a@b"

static char root[64];
static char *said;
static size_t said_size;
static struct tr_change change;

static void put(const char *path, const char *text)
{
	char whole[PATH_MAX], folder[PATH_MAX];

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(whole, '/') - whole), whole);
	assert_int_equal(tr_file_make_folders(folder, 0755), 0);
	FILE *out = fopen(whole, "we");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static char *get(const char *path)
{
	char whole[PATH_MAX], *text = NULL;
	size_t size;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return tr_file_read(AT_FDCWD, whole, 1 << 16, &text, &size) < 0 ? NULL : text;
}

static int make_machine(void **state)
{
	snprintf(root, sizeof(root), "/tmp/telerec-test.XXXXXX");
	assert_non_null(mkdtemp(root));
	put("/usr/share/zoneinfo/Europe/Berlin", "TZif");
	put("/etc/default/keyboard",
		"# mine\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"us\"\nBACKSPACE=\"x\"\n");
	put("/run/systemd/netif/links/2", "");
	put("/proc/net/route", "Iface Destination\neth7 00000000 0102A8C0\n");
	change = (struct tr_change){.root = root, .out = open_memstream(&said, &said_size)};
	return 0;
}

static int remove_machine(void **state)
{
	fclose(change.out);
	free(said);
	tr_file_remove_tree(root);
	return 0;
}

static int set(const char *json)
{
	json_t *settings = json_loads(json, 0, NULL);
	assert_non_null(settings);
	int rc = tr_machine_set(&change, settings);
	json_decref(settings);
	return rc;
}

static void expect_file(const char *path, const char *text)
{
	char *got = get(path);
	assert_non_null(got);
	assert_string_equal(got, text);
	free(got);
}

static const char *read_text(const char *part, const char *key)
{
	static char text[512];
	json_t *all = tr_machine_read(root);
	const char *value = json_string_value(json_object_get(json_object_get(all, part), key));

	snprintf(text, sizeof(text), "%s", value ? value : "(none)");
	json_decref(all);
	return text;
}

static void a_static_network_becomes_networkds_file_and_is_read_back(void **state)
{
	assert_string_equal(read_text("network", "interface"), "eth7");
	assert_string_equal(read_text("network", "method"), "dhcp");
	assert_int_equal(set("{\"network.interface\": \"eth7\", \"network.method\": \"static\", "
			     "\"network.address\": \"192.168.1.20/24\", \"network.gateway\": "
			     "\"192.168.1.1\", \"network.dns\": [\"192.168.1.1\", \"fd00::1\"]}"),
		0);
	expect_file("/etc/systemd/network/20-telerec.network",
		"# Written by telerec.\n[Match]\nName=eth7\n\n[Network]\nAddress=192.168.1.20/24\n"
		"Gateway=192.168.1.1\nDNS=192.168.1.1 fd00::1\n");
	assert_string_equal(read_text("network", "address"), "192.168.1.20/24");
	assert_string_equal(read_text("network", "method"), "static");
}

static void a_vlan_is_a_device_of_its_own_and_goes_again(void **state)
{
	assert_int_equal(set("{\"network.interface\": \"eth7\", \"network.method\": \"dhcp\", "
			     "\"network.vlan\": 12, \"network.proxy\": \"http://p:3128\"}"),
		0);
	expect_file("/etc/systemd/network/20-telerec.network",
		"# Written by telerec.\n[Match]\nName=eth7\n\n[Network]\nVLAN=tr-vlan\n"
		"LinkLocalAddressing=no\n");
	expect_file("/etc/systemd/network/20-telerec-vlan.network",
		"# Written by telerec.\n[Match]\nName=tr-vlan\n\n[Network]\nDHCP=yes\n");
	assert_string_equal(read_text("network", "proxy"), "http://p:3128");
	assert_int_equal(set("{\"network.interface\": \"eth7\", \"network.method\": \"dhcp\", "
			     "\"network.vlan\": 0, \"network.proxy\": \"\"}"),
		0);
	assert_null(get("/etc/systemd/network/20-telerec-vlan.netdev"));
	assert_string_equal(read_text("network", "proxy"), "");
}

static void a_dry_run_shows_the_file_and_writes_nothing(void **state)
{
	change.is_dry_run = true;
	assert_int_equal(set("{\"network.interface\": \"eth7\", \"network.method\": \"dhcp\"}"), 0);
	fflush(change.out);
	assert_non_null(strstr(said, "+DHCP=yes"));
	assert_null(get("/etc/systemd/network/20-telerec.network"));
}

static void values_that_cannot_be_change_nothing(void **state)
{
	static const char *const bad[] = {
		"{\"time.zone\": \"Europe/Berlin\", \"time.zones\": 1}",
		"{\"keyboard.layout\": \"de\", \"time.zone\": \"../../etc/passwd\"}",
		"{\"keyboard.layout\": \"d\\\" ; rm\"}",
		"{\"network.interface\": \"eth7\", \"network.method\": \"static\"}",
		"{\"network.interface\": \"a/b\", \"network.method\": \"dhcp\"}",
		"{\"network.interface\": \"eth7\", \"network.method\": \"static\", "
		"\"network.address\": \"1.2.3.4\"}",
		"{\"network.interface\": \"eth7\", \"network.proxy\": \"http://a\\\" b\"}",
		"{\"network.interface\": \"eth7\", \"network.dns\": \"192.168.1.1\"}",
		"{\"network.interface\": \"eth7\", \"network.vlan\": 4095}",
		"{\"network.interface\": \"eth7\", \"network.vlan\": \"12\"}",
		"{\"console.pin\": \"123\"}",
		"{\"ssh.user\": \"root\", \"ssh.key\": \"-----BEGIN OPENSSH PRIVATE KEY-----\"}",
		"{\"ssh.user\": \"nobody-of-that-name\", \"ssh.key\": \"" KEY "\"}",
		"{\"ssh.key\": \"" KEY "\"}",
		"{\"time.servers\": [\"a b\"]}",
	};

	for (size_t i = 0; i < TR_COUNT(bad); i++) {
		assert_int_equal(set(bad[i]), -EINVAL);
		assert_true(change.why[0]);
	}
	assert_string_equal(read_text("keyboard", "layout"), "us");
	assert_null(get("/etc/telerec/console.pin"));
}

static void who_else_has_the_network_is_said(void **state)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/run/systemd", root);
	tr_file_remove_tree(path);
	put("/run/NetworkManager/x", "");
	assert_non_null(strstr(read_text("network", "why"), "NetworkManager"));
	assert_int_equal(
		set("{\"network.interface\": \"eth7\", \"network.method\": \"dhcp\"}"), -ENOTSUP);
}

static void keyboard_and_time_are_set_and_read_back(void **state)
{
	assert_int_equal(set("{\"keyboard.layout\": \"de\", \"time.zone\": \"Europe/Berlin\", "
			     "\"time.servers\": [\"a.example.org\", \"b.example.org\"]}"),
		0);
	expect_file("/etc/default/keyboard",
		"# mine\nXKBMODEL=\"pc105\"\nXKBLAYOUT=\"de\"\nBACKSPACE=\"x\"\n");
	assert_string_equal(read_text("keyboard", "layout"), "de");
	assert_string_equal(read_text("time", "zone"), "Europe/Berlin");
	expect_file("/etc/systemd/timesyncd.conf.d/20-telerec.conf",
		"# Written by telerec.\n[Time]\nNTP=a.example.org b.example.org \n");
	assert_int_equal(set("{\"time.servers\": []}"), 0);
	assert_null(get("/etc/systemd/timesyncd.conf.d/20-telerec.conf"));
}

static void a_pin_is_kept_hashed_and_only_the_right_one_opens(void **state)
{
	char path[PATH_MAX];
	struct stat st;

	assert_int_equal(tr_machine_check_pin(root, "anything"), 0); /* there is none */
	assert_int_equal(set("{\"console.pin\": \"4711 geheim\"}"), 0);
	char *hash = get("/etc/telerec/console.pin");
	assert_non_null(hash);
	assert_null(strstr(hash, "4711"));
	free(hash);
	snprintf(path, sizeof(path), "%s/etc/telerec/console.pin", root);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(tr_machine_check_pin(root, "4711 geheim"), 0);
	assert_int_equal(tr_machine_check_pin(root, "4711 geheiM"), -EACCES);
	assert_int_equal(tr_machine_check_pin(root, ""), -EACCES);
	fflush(change.out);
	assert_null(strstr(said, "4711"));
	assert_int_equal(set("{\"console.pin\": \"\"}"), -EPERM);
	assert_int_equal(set("{\"console.pin\": \"1234\", \"console.old_pin\": \"4711\"}"), -EPERM);
	assert_int_equal(set("{\"console.pin\": \"\", \"console.old_pin\": \"4711 geheim\"}"), 0);
	assert_int_equal(tr_machine_check_pin(root, "x"), 0);
}

static void a_key_is_added_once_to_those_that_are_there(void **state)
{
	const struct passwd *me = getpwuid(geteuid());
	char path[PATH_MAX + 8], json[600], home[PATH_MAX];

	if (!me || me->pw_dir[0] != '/' || !me->pw_dir[1])
		return;
	snprintf(home, sizeof(home), "%s%s", root, me->pw_dir);
	assert_int_equal(tr_file_make_folders(home, 0755), 0);
	snprintf(path, sizeof(path), "%s/.ssh/authorized_keys", me->pw_dir);
	put(path, "ssh-rsa OLD");
	snprintf(json, sizeof(json), "{\"ssh.user\": \"%s\", \"ssh.key\": \"%s\"}", me->pw_name,
		KEY);
	assert_int_equal(set(json), 0);
	assert_int_equal(set(json), 0);
	expect_file(path, "ssh-rsa OLD\n" KEY "\n");
	snprintf(path, sizeof(path), "%s/.ssh", home);
	tr_file_remove_tree(path);
	assert_int_equal(symlink("/tmp", path), 0); /* a user leads root elsewhere: not with us */
	assert_int_equal(set(json), -EACCES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_machine, remove_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_static_network_becomes_networkds_file_and_is_read_back),
		TEST(a_vlan_is_a_device_of_its_own_and_goes_again),
		TEST(a_dry_run_shows_the_file_and_writes_nothing),
		TEST(values_that_cannot_be_change_nothing),
		TEST(who_else_has_the_network_is_said),
		TEST(keyboard_and_time_are_set_and_read_back),
		TEST(a_pin_is_kept_hashed_and_only_the_right_one_opens),
		TEST(a_key_is_added_once_to_those_that_are_there),
	};
	return cmocka_run_group_tests_name("machine_setup", tests, NULL, NULL);
}
