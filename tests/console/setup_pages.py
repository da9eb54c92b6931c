"""Set-up, doctor, kernel, recordings, logs and system: every screen at three sizes, with UTF-8 and
without, resized in mid-form, with keys as fast as a paste; and what is written in the end."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import fake_node
from terminal import Failure, Terminal, run, telerec

SIZES = ((24, 80), (43, 132), (60, 200))
PAGES = (
    # Where in the menu, its title, a word of it.
    ("1", "Jitsi server", "Domain of the Jitsi Meet"),
    ("2", "Slots and quality", "Recordings at a time"),
    ("3", "Storage", "Folder of the recordings"),
    ("4", "Sound", "Taken from"),
    ("5", "Encoder", "Encoder"),
    ("6", "Name", "Its nick among the recorders"),
)


class Place:
    """A folder with settings and a node to look at."""

    def __init__(self, text=""):
        self.folder = tempfile.TemporaryDirectory(prefix="telerec-test.")
        self.config = os.path.join(self.folder.name, "telerec.conf")
        with open(self.config, "w") as out:
            out.write(text)
        self.node = fake_node.FakeNode(os.path.join(self.folder.name, "control.sock"),
                                       [fake_node.slot(1), fake_node.slot(2)])

    def console(self, screen, *options, **more):
        return Terminal([telerec(), "console", "--node", self.node.path, "--config", self.config,
                         "--screen", screen, *options], **more)

    def read(self, name="telerec.conf"):
        with open(os.path.join(self.folder.name, name)) as file:
            return file.read()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.stop()
        self.folder.cleanup()


def line_of(terminal, label):
    return next((line for line in terminal.lines() if label in line), "")


def here(terminal):
    with terminal.changed:
        return terminal.screen.display[terminal.screen.cursor.y]


def go(terminal, label):
    terminal.wait_for("F10 save")
    terminal.wait_gone("Reading the settings")
    for _ in range(40):
        terminal.settle()
        if label in here(terminal):
            return
        before = here(terminal)
        terminal.keys("<Down>")
        terminal.wait_for(lambda t: here(t) != before)
    raise Failure(f"no field {label!r}:\n{terminal.picture()}")


def every_page_fits_every_terminal():
    with Place() as place:
        for rows, columns, locale, options in (
                (24, 80, "C", ["--ascii", "--mono"]), (43, 132, "C.UTF-8", []),
                (60, 200, "C.UTF-8", [])):
            with place.console("setup", *options, rows=rows, columns=columns,
                               locale=locale) as terminal:
                terminal.wait_all("There is none yet: begin here", "Guided set-up")
                for key, title, word in PAGES:
                    terminal.keys(key)
                    terminal.wait_all(word, "Save", "F10 save")
                    terminal.wait_for(lambda t, title=title: title in t.lines()[0] or
                                      "Set-up" in t.lines()[0])
                    if options:
                        terminal.wait_for(lambda t: t.text().isascii())
                    terminal.escape()
                    terminal.wait_for("Guided set-up")


def a_form_keeps_what_was_typed_when_the_terminal_changes_its_size():
    with Place() as place, place.console("setup") as terminal:
        terminal.wait_for("There is none yet")
        terminal.keys("1")
        terminal.wait_for("Domain of the Jitsi Meet")
        terminal.keys("meet.exam")
        for rows, columns in ((43, 132), (10, 40), (24, 80)):
            terminal.resize(rows, columns)
            terminal.wait_for("meet.exam")
        terminal.keys("ple.org")
        terminal.wait_for("meet.example.org")


def a_paste_of_a_whole_page_is_taken_key_by_key():
    with Place("# mine\nslots = 2;\n") as place, place.console("setup") as terminal:
        terminal.wait_for("There is none yet")
        terminal.keys("1")
        terminal.wait_for("Domain of the Jitsi Meet")
        terminal.keys("meet.example.org\r\rfirst\"(pass word\rsecond{pass\r <Tab>"
                      "<Tab><BackTab><F10>")
        terminal.wait_for("Doctor")
        text, secrets = place.read(), place.read("secrets.conf")
        assert text.startswith("# mine\nslots = 2;\n"), text
        assert 'xmpp_domain = "meet.example.org";' in text and "pass" not in text, text
        assert 'password = "first\\"(pass word";' in secrets, secrets
        assert 'password = "second{pass";' in secrets, secrets
        assert os.stat(os.path.join(place.folder.name, "secrets.conf")).st_mode & 0o77 == 0
        assert "pass word" not in terminal.text()


def a_form_checks_while_one_types_and_saves_nothing_that_is_wrong():
    with Place("slots = 2;\n") as place, place.console("setup") as terminal:
        terminal.wait_for("Slots and quality")
        terminal.keys("2")
        terminal.wait_for("Pictures a second")
        go(terminal, "Picture  ")
        terminal.keys("\x15" + "1281x720")
        terminal.wait_for("even numbers from 64x64")
        terminal.keys("<F10>")
        terminal.wait_for(re.compile(r"^ ! Picture", re.MULTILINE))
        terminal.keys("\x15" + "1920x1080")
        terminal.wait_gone("even numbers from 64x64")
        go(terminal, "Pictures a second")
        terminal.keys("\x15" + "61")
        terminal.wait_for("A number from 1 to 60.")
        assert place.read() == "slots = 2;\n"
        terminal.keys("\x15" + "25<F10>")
        terminal.wait_for("y: start it anew now")
        text = place.read()
        assert 'size = "1920x1080";' in text and "frame_rate = 25;" in text, text
        terminal.keys("n")
        terminal.wait_for("Guided set-up")


def what_was_changed_is_not_lost_silently():
    with Place() as place, place.console("setup") as terminal:
        terminal.wait_for("Storage")
        terminal.keys("3")
        terminal.wait_for("Folder of the recordings")
        terminal.keys("x")
        terminal.wait_for("recordingsx")
        terminal.escape()
        terminal.wait_for("would be lost")
        terminal.keys("n")
        terminal.wait_gone("would be lost")
        terminal.wait_for("recordingsx")
        terminal.escape()
        terminal.wait_for("would be lost")
        terminal.keys("y")
        terminal.wait_for("Guided set-up")
        assert place.read() == ""


def a_refusal_of_the_settings_is_told_in_words():
    with Place("storage = { folder = \"x\"; };\n") as place, place.console("setup") as terminal:
        terminal.wait_for("Mend it by hand first")
        terminal.wait_for("storage.folder")


def a_network_share_is_tried_before_anything_is_saved():
    with Place("slots = 1;\n") as place:
        tools = os.path.join(place.folder.name, "tools")
        os.mkdir(tools)
        for name, text in (("mount", "echo 'mount error(13): Permission denied' >&2; exit 32"),
                           ("sudo", "shift 2; exec \"$@\"")):
            with open(os.path.join(tools, name), "w") as out:
                out.write(f"#!/bin/sh\n{text}\n")
            os.chmod(out.name, 0o755)
        with place.console("disk", env={"PATH": f"{tools}:{os.environ['PATH']}"}) as terminal:
            terminal.wait_all("internal", "network share", "a folder of another machine")
            terminal.keys("<Down><Enter>")
            terminal.wait_all("Address", "it is safer to record to the internal disk")
            go(terminal, "Address")
            terminal.keys("//nas/x")
            terminal.wait_for("Like nfs://nas/export or smb://nas/share/folder.")
            terminal.keys("\x15" + "smb://nas/films")
            terminal.wait_all("User", "Password")
            terminal.keys("<Enter>anna<Enter>hunter2secret<F10>")
            # Who is not root may not even try.
            terminal.wait_for(re.compile("nas refuses the user anna|only root can mount a share"))
            terminal.wait_for("Nothing is changed")
            assert "hunter2secret" not in terminal.text()
            assert place.read() == "slots = 1;\n"
            terminal.escape()
            terminal.wait_gone("Nothing is changed")
            terminal.wait_for("smb://nas/films")


def recordings():
    now = int(time.time() * 1000)
    rows = [{"id": f"id{n}", "session_id": f"session{n}", "room": f"{name}@conference.x.org",
             "name": f"{name}_2026-11-21", "state": "done", "reason": "", "file": f"{name}.mp4",
             "bytes": 1 << 27, "duration_ms": 3723000, "created_ms": now - n * 3600000,
             "grade": "A" if n else "D", "is_finalized": False}
            for n, name in enumerate(("chemistry", "standup", "townhall"))]
    return rows


def picture():
    """A small JPEG, half red, half blue."""
    made = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:size=32x36", "-f", "lavfi", "-i",
         "color=blue:size=32x36", "-filter_complex", "hstack", "-frames:v", "1", "-f", "mjpeg", "-"],
        capture_output=True, check=True)
    return io.BytesIO(made.stdout).getvalue()


def recordings_are_found_opened_and_deleted_after_asking():
    with Place() as place:
        rows = recordings()
        place.node.answers["GET /v1/recordings"] = lambda _: {
            "total": len(rows), "offset": 0, "recordings": list(rows)}
        place.node.answers["GET /v1/recordings/id1"] = lambda _: dict(
            rows[1], files=[{"name": "standup.mp4", "bytes": 1 << 27},
                            {"name": "poster.jpg", "bytes": 9000}],
            report={"grade": "A", "reasons": ["Everything was received."], "width": 1280,
                    "height": 720}, metadata=None)
        place.node.answers["GET /v1/recordings/id1/files/poster.jpg"] = picture()

        def remove(_):
            del rows[1]
            return 204, None
        place.node.answers["DELETE /v1/recordings/id1"] = remove
        with place.console("recordings", rows=24, columns=100) as terminal:
            terminal.wait_all("chemistry", "standup", "townhall", "1:02:03", "128 MiB")
            terminal.keys("/")
            terminal.wait_for("Search")
            terminal.keys("stand<Enter>")
            terminal.wait_for("1 with \"stand\"")
            terminal.wait_gone("chemistry")
            terminal.keys("<Enter>")
            terminal.wait_all("Everything was received.", "poster.jpg", "1:02:03")

            def has_red_and_blue(t):
                colours = {cell.fg for row in range(3, 20) for cell in t.cells(row)[60:]} | {
                    cell.bg for row in range(3, 20) for cell in t.cells(row)[60:]}
                return len(colours - {"default"}) >= 2
            terminal.wait_for(has_red_and_blue)
            terminal.keys("d")
            terminal.wait_for("for good.")
            terminal.keys("n")
            terminal.wait_gone("for good.")
            assert place.node.count("DELETE") == 0
            terminal.keys("d")
            terminal.wait_for("y: delete it")
            terminal.keys("y")
            terminal.wait_for("The recording is gone.")
            assert place.node.count("DELETE /v1/recordings/id1") == 1


def logs_come_as_they_are_said_and_can_be_filtered():
    with Place() as place:
        lines = [{"ms": 1700000000000 + n, "level": "info", "area": "grab", "slot": 1,
                  "session_id": "s1", "text": f"line number {n}"} for n in range(40)]
        asked = []

        def answer(path):
            asked.append(path)
            return {"lines": list(lines)}
        place.node.answers["GET /v1/logs"] = answer
        with place.console("logs") as terminal:
            terminal.wait_for("line number 39")
            lines.append(dict(lines[-1], ms=1700000001000, level="error", text="the newest of all"))
            terminal.wait_for("the newest of all")
            terminal.wait_for(lambda t: t.text().count("line number 39") == 1)
            terminal.keys("<Home>")
            terminal.wait_for("line number 0")
            terminal.keys("l")
            terminal.wait_for("errors only")
            terminal.keys("<End><Enter>")
            terminal.wait_for(lambda _: any("level=error" in path for path in asked))
            terminal.keys("s")
            terminal.wait_for("Of which session?")
            terminal.keys("a b<Enter>")
            terminal.wait_for(lambda _: any("session=a%20b" in path for path in asked))


def kernel_shows_what_would_change_before_it_asks():
    with Place() as place, place.console("kernel") as terminal:
        terminal.wait_all("snd", "version")
        terminal.keys("u")
        terminal.wait_for("This would be changed.")
        terminal.wait_gone("A moment ...")
        terminal.resize(43, 132)
        terminal.escape()
        terminal.wait_for("version")


def system_asks_before_anything_is_lost():
    with Place() as place, place.console("system") as terminal:
        for rows, columns in SIZES:
            terminal.resize(rows, columns)
            terminal.wait_all("Support bundle", "Self-test", "Shell")
        terminal.wait_for(lambda t: ("Factory reset" in t.text()) ==
                          os.path.exists("/usr/lib/telerec-image"))


def the_machine_goes_down_after_the_recordings_or_after_asking():
    with Place() as place:
        calls, tool = (os.path.join(place.folder.name, name) for name in ("calls", "tool"))
        for name, text in (("tool", f"echo \"$@\" >>{calls}"), ("sudo", "shift 2; exec \"$@\"")):
            with open(os.path.join(place.folder.name, name), "w") as out:
                out.write(f"#!/bin/sh\n{text}\n")
            os.chmod(out.name, 0o755)

        def called():
            return place.read("calls") if os.path.exists(calls) else ""

        # The second slot takes no recording, and none would be lost.
        starting = fake_node.slot(2, state="starting", is_busy=True)

        def record(node):
            node.slots = [fake_node.recording_slot(1), starting]
            node.node = fake_node.node(node.slots)

        def end(node):
            node.slots = [fake_node.slot(1), starting]
            node.node = fake_node.node(node.slots)
        record(place.node)
        for request in ("POST", "DELETE"):
            place.node.answers[f"{request} /v1/drain"] = {"is_draining": request == "POST"}
        path = f"{place.folder.name}:{os.environ['PATH']}"
        with place.console("system", env={"TELEREC_SYSTEMCTL": tool, "PATH": path}) as terminal:
            terminal.wait_all("waits for recordings or asks", "Switch off")
            terminal.wait_for(re.compile(r" well "))
            terminal.keys("r")
            terminal.wait_all("Not now", "When the recordings have ended", "the recordings END here")
            terminal.keys("<Enter>")
            terminal.wait_for("no new one begins. Esc: not after all")
            terminal.wait_for(lambda _: place.node.count("POST /v1/drain") == 1)
            terminal.escape()
            terminal.wait_for("It stays on, and takes recordings again.")
            terminal.wait_for(lambda _: place.node.count("DELETE /v1/drain") == 1)
            terminal.wait_gone("no new one begins")
            assert called() == ""
            terminal.keys("o")
            terminal.wait_for("When the recordings have ended")
            terminal.keys("<Enter>")
            terminal.wait_for(lambda _: place.node.count("POST /v1/drain") == 2)
            terminal.wait_for("no new one begins")
            assert called() == ""
            place.node.change(end)
            terminal.wait_for(lambda _: called() == "poweroff\n")
            terminal.wait_gone(re.compile("no new one begins|The machine goes down"))
            terminal.keys("r")
            terminal.wait_for("Nothing is recorded now.")
            terminal.keys("n")
            terminal.wait_gone("Nothing is recorded now.")
            terminal.keys("r")
            terminal.wait_for("Nothing is recorded now.")
            terminal.keys("y")
            terminal.wait_for(lambda _: called() == "poweroff\nreboot\n")


@contextlib.contextmanager
def shell_in_front():
    """A console that has lent its terminal to a shell."""
    with Place() as place, place.console("system", env={"SHELL": "/bin/sh", "PS1": "here> "}) as terminal:
        terminal.wait_for("Support bundle")
        terminal.keys("s")
        terminal.wait_for("comes back to the console")
        yield terminal


def a_shell_comes_and_goes_and_its_keys_are_not_the_consoles():
    if os.path.exists("/etc/telerec/console.pin"):
        return  # this machine's own
    with shell_in_front() as terminal:
        terminal.keys("echo $((6 * 7))<Enter>")
        terminal.wait_for(re.compile("42$", re.MULTILINE))
        # It says so itself when it runs in front: before, the keys would be the shell's.
        terminal.keys("sh -c 'echo $((6 * 9)); exec sleep 1000'<Enter>")
        terminal.wait_for(re.compile("54$", re.MULTILINE))
        terminal.type(b"\x1c")
        terminal.keys("<CtrlC>echo $((6 * 8))<Enter>")
        terminal.wait_for(re.compile("48$", re.MULTILINE))
        terminal.keys("exit<Enter>")
        terminal.wait_gone("comes back to the console")
        terminal.wait_all("Support bundle", "Self-test")
        terminal.keys("s")
        terminal.wait_for("comes back to the console")
        # Ctrl-S while the shell has nothing to write: it holds nothing of the console's.
        terminal.keys("stty ixon; printf %s $((5 * 7)); read nothing; exit<Enter>")
        terminal.wait_for(re.compile("35$", re.MULTILINE))
        terminal.type(b"\x13\r")
        terminal.wait_gone("comes back to the console")
        terminal.wait_all("Support bundle", "Self-test")
        terminal.keys("l")
        terminal.wait_for("Nothing was said so far.")


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rpartition(") ")[2][0] != "Z"  # one whose parent is gone, too
    except OSError:
        return False


def a_shell_does_not_keep_a_console_that_is_told_to_end():
    if os.path.exists("/etc/telerec/console.pin"):
        return  # this machine's own
    with shell_in_front() as terminal:
        terminal.keys("echo of $$, $((6 * 7))<Enter>")
        shell = terminal.wait_for(re.compile(r"of (\d+), 42$", re.MULTILINE))[1]
        terminal.process.terminate()
        assert terminal.wait_end() == 0
        until = time.monotonic() + 60
        while is_running(shell) and time.monotonic() < until:
            time.sleep(0.05)
        assert not is_running(shell), "the shell is still there"


def a_shell_prompts_on_the_terminal_when_the_console_is_a_service():
    if os.path.exists("/etc/telerec/console.pin"):
        return  # this machine's own
    with Place() as place:
        argv = ["sh", "-c", "exec \"$0\" \"$@\" 2>/dev/null", telerec(), "console", "--node", place.node.path,
                "--config", place.config, "--screen", "system"]
        with Terminal(argv, env={"SHELL": "/bin/sh", "PS1": "here> "}) as terminal:
            terminal.wait_for("Support bundle")
            terminal.keys("s")
            # Its own prompt, or that of this machine's /etc/profile.
            terminal.wait_for(re.compile(r"^(\S*[#$]|here>)$", re.MULTILINE))
            terminal.keys("echo $((6 * 7)) >&2<Enter>")
            terminal.wait_for(re.compile("^42$", re.MULTILINE))
            terminal.keys("exit<Enter>")
            terminal.wait_all("Support bundle", "Self-test")


def the_doctor_names_what_stands_in_the_way():
    with Place("recordings = \"/nonexistent/folder\";\n") as place:
        with place.console("doctor") as terminal:
            terminal.wait_for(re.compile("in the way of recordings|Recordings will work"))
            terminal.wait_for("FAULT")
            terminal.keys("f")
            terminal.wait_gone("\n ok ")


def the_support_bundle_has_no_secret_in_it():
    with Place("slots = 1; # hunter2secret\napi = { token = \"abcdefgh12345678\"; };\nenvironments ="
               " ( { name = \"p\"; xmpp_domain = \"x.org\"; } );\n") as place:
        secrets = os.path.join(place.folder.name, "secrets.conf")
        with open(secrets, "w") as out:
            out.write('environments = ( { name = "p"; control = { password = "hunter2secret"; };'
                      ' call = { password = "other3secret"; }; } );\n')
        os.chmod(secrets, 0o600)
        place.node.answers["GET /v1/logs"] = {"lines": [{"text": "said abcdefgh12345678 aloud"}]}
        bundle = os.path.join(place.folder.name, "bundle.tar.gz")
        subprocess.run([telerec(), "support-bundle", "--no-doctor", "--config", place.config,
                        "--node", place.node.path, bundle], check=True, stdout=subprocess.DEVNULL)
        assert os.stat(bundle).st_mode & 0o77 == 0
        text = subprocess.run(["tar", "-xzOf", bundle], check=True, capture_output=True).stdout
        names = subprocess.run(["tar", "-tzf", bundle], check=True, capture_output=True,
                               text=True).stdout
        for secret in (b"hunter2secret", b"other3secret", b"abcdefgh12345678"):
            assert secret not in text, secret
        for name in ("telerec.conf", "node.json", "logs.json", "kernel.json", "version.txt"):
            assert f"telerec-support/{name}\n" in names, names
        assert b"said **************** aloud" in text
        assert json.dumps("telerec-0a1b2c3d").encode() in text


def open_folder(process):
    """That of the bundle which this process collects, or None."""
    for number in os.listdir(f"/proc/{process.pid}/fd"):
        try:
            path = os.readlink(f"/proc/{process.pid}/fd/{number}")
        except FileNotFoundError:
            continue
        if path.startswith("/tmp/telerec-support."):
            return path
    return None


def wait_until(is_so, what):
    """What `is_so` gives at last."""
    end = time.monotonic() + 60
    while not (found := is_so()):
        if time.monotonic() > end:
            raise Failure(f"{what}: not within a minute")
        time.sleep(0.02)
    return found


def a_support_bundle_that_is_killed_leaves_nothing_behind():
    for stop in (signal.SIGINT, signal.SIGKILL):
        with Place("slots = 1;\n") as place:
            file = os.path.join(place.folder.name, "bundle.tar.gz")
            # What the doctor looks at takes seconds: it is stopped long before its file.
            bundle = subprocess.Popen(
                [telerec(), "support-bundle", "--config", place.config, "--node", place.node.path,
                 file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            folder = wait_until(lambda: open_folder(bundle), "its folder")
            bundle.send_signal(stop)
            assert bundle.wait() == -stop, "it has ended before it was stopped"
            wait_until(lambda: not os.path.exists(folder), "the end of its folder")
            assert not os.path.exists(file)


if __name__ == "__main__":
    run([every_page_fits_every_terminal,
         a_form_keeps_what_was_typed_when_the_terminal_changes_its_size,
         a_paste_of_a_whole_page_is_taken_key_by_key,
         a_form_checks_while_one_types_and_saves_nothing_that_is_wrong,
         what_was_changed_is_not_lost_silently,
         a_refusal_of_the_settings_is_told_in_words,
         a_network_share_is_tried_before_anything_is_saved,
         recordings_are_found_opened_and_deleted_after_asking,
         logs_come_as_they_are_said_and_can_be_filtered,
         kernel_shows_what_would_change_before_it_asks,
         system_asks_before_anything_is_lost,
         the_machine_goes_down_after_the_recordings_or_after_asking,
         a_shell_comes_and_goes_and_its_keys_are_not_the_consoles,
         a_shell_does_not_keep_a_console_that_is_told_to_end,
         a_shell_prompts_on_the_terminal_when_the_console_is_a_service,
         the_doctor_names_what_stands_in_the_way,
         the_support_bundle_has_no_secret_in_it,
         a_support_bundle_that_is_killed_leaves_nothing_behind])
