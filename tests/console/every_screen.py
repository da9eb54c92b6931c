"""Every screen at every size, with UTF-8 and colours and with neither: what matters is there in full,
the help line always, Escape leads back to Home; forms keep what is typed; the mouse does what the keys
do; the doctor's lines can be read by a camera; the wall's pictures have their colours."""

import os
import re
import struct
import subprocess
import tempfile
import zlib

import fake_node
from screens import picture
from setup_pages import Place, recordings
from terminal import Failure, run

SIZES = ((24, 80), (43, 132), (60, 200))
KINDS = (("xterm-256color", "C.UTF-8", []), ("vt100", "C", ["--ascii", "--mono"]))

# Title, --screen, keys from there, what must be read in full at each size, Escapes to Home.
SCREENS = (
    ("Home", "home", "", ["All is well: 1 of 2 slots in use.", "RECORDING standup",
                          "2 of 2 recorders there, Jicofo is there", "some 310 hours of recording",
                          "1 Wall", "5 First run", "0 Leave", "0-9 choose"], 0),
    ("Wall", "wall", "", ["1 RECORDING standup", "-12 dB", "drift +12 ppm", "dropped 3",
                          "Enter open", "a all slots"], 1),
    ("Slot", "slot", "", ["Slot 1: RECORDING", "standup@conference.meet.example.org",
                          "5 besides us, 2 muted", "-12 dB, mean -20 dB", "3 dropped of 20000",
                          "120 MiB, 812 kbit/s", "Chromium 150", "s stop", "f failure"], 1),
    ("Slot", "slot", "s", ["Stop the recording?", "standup is no longer recorded", "stays, and its file",
                           "y: stop    any other key: no"], 2),
    ("Recordings", "recordings", "", ["3 recordings on the disk, newest first", "MADE", "GRADE", "STATE",
                                      "chemistry_2026-11-21", "1:02:03", "128 MiB", "/ search"], 1),
    ("Recordings", "recordings", "/", ["Search", "In names, rooms and ids; nothing: all of them."], 2),
    ("Recording", "recordings", "<Enter>", ["chemistry@conference.x.org", "1:02:03",
                                            "Nobody was heard.", "1280x720, 5000 grabbed, 3 dropped",
                                            "chemistry.mp4, 128 MiB", "d delete"], 2),
    ("Set-up", "setup", "", ["There is none yet: begin here",
                             "How many meetings at a time, and how well.",
                             "Where recordings are kept, and for how long.",
                             "The time zone, and who tells the time.", "Who may log in over the network",
                             "Asked before a shell is opened", "Kernel and boot", "Guided set-up"], 1),
    ("Set-up", "setup", "1", ["Domain of the Jitsi Meet", "Accounts for recorders", "Save",
                              "As people open it: meet.example.org.", "F10 save"], 2),
    ("Set-up", "setup", "2", ["Recordings at a time", "Pictures a second", "kbit/s of the picture",
                              "One recording, then stop", "Save"], 2),
    ("Set-up", "setup", "3", ["Folder of the recordings", "Must stay free",
                              "Warn when it holds less than", "Remove recordings after", "Save"], 2),
    ("Set-up", "setup", "4", ["Taken from", "the first that works", "kbit/s", "Save"], 2),
    ("Set-up", "setup", "5", ["Encoder", "the graphics card where it works, else software", "Save"], 2),
    ("Set-up", "setup", "6", ["Name", "Its nick among the recorders", "Save"], 2),
    ("Set-up", "setup", "7", ["How this machine is in the network."], 2),
    ("Set-up", "setup", "8", ["The time zone, and who tells the time."], 2),
    ("Set-up", "setup", "9", ["Of the keyboard that is plugged into this machine."], 2),
    ("Set-up", "setup", "<Down>" * 12 + "<Enter>", ["Where finished recordings are uploaded to.", "Name",
                                                    "Address", "film, poster and report", "Save"], 2),
    ("Disk of the recordings", "disk", "", ["internal", "/var/lib/telerec/recordings", "DEVICE", "SIZE",
                                            "network share", "a folder of another machine: NFS or SMB",
                                            "Enter take it", "f format"], 1),
    ("Guided set-up", "first-run", "", ["Some questions, and this machine is ready to record.",
                                        "Start telerecd with these settings",
                                        "Enter: go on with step 1", "s skip"], 1),
    ("Kernel and boot", "kernel", "", ["version", "flavour", "snd aloop", "u undo"], 1),
    ("System", "system", "", ["Looks whether all of it works, and says what to change", "Self-test",
                              "What telerecd and its slots say", "without secrets", "Shell",
                              "Enter do it"], 1),
    ("Doctor", "doctor", "", ["in the way of recordings", "FAULT   ", "Recordings are refused, or end when",
                              "x QR code", "a accept"], 1),
    ("Logs", "logs", "", ["what a person follows", "a warning with words enough", "l level"], 1),
    ("Logs", "logs", "l", ["errors only", "warnings and errors", "what a person follows"], 2),
)


class Desk(Place):
    """A node with something on each screen."""

    def __init__(self, text=""):
        super().__init__(text)
        rows = recordings()
        answers = self.node.answers
        self.node.slots = [fake_node.recording_slot(1), fake_node.slot(2)]
        self.node.node = fake_node.node(self.node.slots)
        answers["GET /v1/recordings"] = {"total": 3, "offset": 0, "recordings": rows}
        answers["GET /v1/recordings/id0"] = dict(
            rows[0], files=[{"name": "chemistry.mp4", "bytes": 1 << 27},
                            {"name": "poster.jpg", "bytes": 9000}],
            report={"grade": "D", "reasons": ["Nobody was heard."], "width": 1280, "height": 720,
                    "pictures": {"grabbed": 5000, "dropped": 3, "encoder": "x264"}}, metadata=None)
        answers["GET /v1/recordings/id0/files/poster.jpg"] = picture()
        answers["GET /v1/slots/1/preview.jpg"] = lambda _: picture()
        answers["GET /v1/logs"] = {"lines": [
            {"ms": 1700000000000, "level": "warning", "area": "grab", "slot": 1, "session_id": "s1",
             "text": "a warning with words enough to need a second row where there are only eighty"}]}


def is_framed(terminal, title):
    """The bar at the top with name, state and clock up to its end, the help line at the bottom."""
    lines = terminal.lines()
    return (lines[0].startswith(f" {title} - telerec-0a1b2c3d") and
            re.search(r"well +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", lines[0]) and
            len(lines[0]) == terminal.screen.columns - 1 and
            re.search(r"\? help|F1 help", lines[-1]) and re.search("Esc back|q leave", lines[-1]) and
            len(lines[-1]) < terminal.screen.columns)


def go_home(terminal, escapes):
    for _ in range(escapes):
        terminal.escape()
    terminal.wait_for(lambda t: is_framed(t, "Home"))
    terminal.wait_for("All is well")


def check_screen(terminal, title, parts, is_utf8):
    terminal.wait_all(*parts)
    terminal.wait_for(lambda t: is_framed(t, title))
    text = terminal.text()
    if not is_utf8 and not text.isascii():
        raise Failure(f"it is no plain ASCII:\n{terminal.picture()}")
    if "\u2026" in text or re.search(r"\w~ ", text):
        raise Failure(f"something is cut off:\n{terminal.picture()}")


def check_help(terminal):
    terminal.resize(24, 80)
    terminal.keys("<F1>")
    terminal.wait_for("Up/Down scroll")
    terminal.keys("<End>")
    terminal.wait_all("On every screen:", "Ctrl-L     draw everything anew")
    terminal.escape()
    terminal.wait_gone("On every screen:")


def every_screen_is_whole_at_every_size():
    with Desk("storage = { reserve = \"8000T\"; };\n") as desk:  # the doctor has something to say
        for term, locale, options in KINDS:
            for title, screen, keys, parts, escapes in SCREENS:
                with desk.console(screen, *options, term=term, locale=locale) as terminal:
                    terminal.wait_for(re.compile(r" well "))
                    if keys:
                        terminal.wait_for(lambda t: re.search(r"help.*(leave|back)$", t.lines()[-1]))
                        terminal.wait_for("chemistry" if screen == "recordings" else "telerec-0a")
                        terminal.keys(keys)
                    for rows, columns in SIZES:
                        terminal.resize(rows, columns)
                        check_screen(terminal, title, parts, locale == "C.UTF-8")
                    if locale == "C.UTF-8":
                        check_help(terminal)
                    go_home(terminal, escapes)


def every_form_keeps_what_is_typed_while_the_terminal_changes():
    forms = (("1", "meet.exam", "ple.org"), ("3", "/more", "/folders"), ("6", "-first", "-floor"))
    with Desk() as desk:
        for term, locale, options in KINDS:
            with desk.console("setup", *options, term=term, locale=locale) as terminal:
                for key, first, second in forms:
                    terminal.wait_for("Guided set-up")
                    terminal.keys(key)
                    terminal.wait_for("Save")
                    terminal.keys(first)
                    for rows, columns in (*SIZES, (12, 60), (24, 80)):
                        terminal.resize(rows, columns)
                        terminal.wait_for(first)
                    terminal.keys(second)
                    terminal.wait_for(first + second)
                    terminal.escape()
                    terminal.wait_for("would be lost")
                    terminal.keys("y")
                    terminal.wait_gone("would be lost")


# ---- recordings ----

def words(text):
    """Also where a line is broken between them."""
    return re.compile(r"\s+".join(map(re.escape, text.split())))


def upload(state, **more):
    return dict({"name": "archive", "state": state, "bytes": 1 << 20, "total": 1 << 27, "attempts": 2,
                 "error": "", "next_try_ms": 0}, **more)


def a_region_that_scrolls_is_not_left_behind_by_a_resize():
    """What was written for the old size may reach a terminal that has the new one already."""
    with Desk() as desk, desk.console("setup", term="vt100", locale="C") as terminal:
        terminal.wait_all("Guided set-up", "q leave")
        with terminal.changed:
            terminal.resize(30, 100)
            terminal.screen.set_margins(1, 12)
        terminal.wait_for(lambda t: re.search("help +q leave$", t.lines()[29]))
        terminal.wait_for(lambda t: "Guided set-up" in "".join(t.lines()[12:]))


def uploads_are_seen_and_tried_again():
    with Desk() as desk:
        rows = desk.node.answers["GET /v1/recordings"]["recordings"]
        rows[0]["uploads"] = [upload("failed", error="the server refused the password")]
        rows[1]["uploads"] = [upload("running")]
        rows[2]["uploads"] = [upload("done"), upload("done", name="cloud")]
        detail = desk.node.answers["GET /v1/recordings/id0"]
        detail["uploads"] = [*rows[0]["uploads"], upload("running", name="cloud")]

        def again(_path):
            detail["uploads"][0].update(state="waiting", error="")
            return 202, {"id": "id0"}
        desk.node.answers["POST /v1/recordings/id0/uploads"] = again
        with desk.console("recordings") as terminal:
            terminal.wait_all("up failed", "uploading", "uploaded")
            terminal.keys("<Enter>")
            terminal.wait_all(words("to archive: failed, the server "
                                    "refused the password (u tries again now)"),
                              "to cloud: 1.0 MiB of 128 MiB")
            terminal.keys("u")
            terminal.wait_all("It is uploaded as soon as its turn comes.", "to archive: waiting")
            assert desk.node.count("POST /v1/recordings/id0/uploads") == 1


def an_upload_target_is_set_and_tried():
    """Nobody listens there: the sentence and what to do; the password is kept apart."""
    with Desk() as desk, desk.console("setup") as terminal:
        terminal.wait_for("Upload target")
        terminal.keys("<Down>" * 12 + "<Enter>")
        terminal.wait_all("Where finished recordings are uploaded to.", "Address", "Save")
        terminal.keys("archive<Tab>ftp://x")
        terminal.wait_for("Like sftp://user@host/folder")
        terminal.keys("\x15webdav://127.0.0.1:1/films<Tab>recorder<Tab>hunter2secret<F10>")
        terminal.wait_all('Does the upload to "archive" work?', "r again")
        terminal.wait_gone("Writing a small file there")
        terminal.wait_for("The target is saved all the same")
        text = desk.read()
        assert 'url = "webdav://127.0.0.1:1/films";' in text and "hunter2" not in text, text
        assert 'password = "hunter2secret";' in desk.read("secrets.conf")
        terminal.keys("<Enter>")
        terminal.wait_for("Start telerecd anew")
        terminal.escape()
        terminal.wait_for("Another upload target")


def a_recording_is_copied_to_a_stick():
    if os.geteuid() != 0:
        print("not done: only root can mount a stick")
        return
    film = bytes(range(256)) * 512
    with Desk() as desk, tempfile.TemporaryDirectory(prefix="telerec-test.", dir="/media") as stick:
        detail = desk.node.answers["GET /v1/recordings/id0"]
        detail["files"] = [{"name": "chemistry.mp4", "bytes": len(film)}]
        desk.node.answers["GET /v1/recordings/id0/files/chemistry.mp4"] = film
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "/dev/telerec-stick", stick],
                       check=True)
        try:
            with desk.console("recordings", rows=30, columns=100) as terminal:
                terminal.wait_for("chemistry")
                terminal.keys("<Enter>")
                terminal.wait_for("Nobody was heard.")
                terminal.keys("c")
                terminal.wait_all("Copy to which?", stick)
                for _ in range(20):  # this machine may have others
                    if any(f"> {stick}" in line for line in terminal.lines()):
                        break
                    terminal.keys("<Down>")
                    terminal.settle()
                terminal.keys("<Enter>")
                terminal.wait_for("The recording is on the stick.")
            found = [os.path.join(folder, name) for folder, _, names in os.walk(stick) for name in names]
            assert any(name.endswith("chemistry.mp4") for name in found), found
            with open(next(name for name in found if name.endswith("chemistry.mp4")), "rb") as file:
                assert file.read() == film
        finally:
            subprocess.run(["umount", stick], check=True)


# ---- the mouse ----

def a_click_does_what_the_keys_do():
    with Desk() as desk, desk.console("home", "--mouse") as terminal:
        terminal.wait_all("All is well", "RECORDING standup")
        terminal.click_on("  2   idle")
        terminal.wait_for(re.compile(r"> 2 +idle"))
        terminal.click_on("Recordings")
        terminal.wait_all("chemistry", "MADE")
        terminal.click_on("townhall")
        terminal.settle()
        terminal.click_on("townhall")  # the chosen one is opened
        terminal.wait_for(lambda t: is_framed(t, "Recording") or "there is no" in t.text())
        terminal.click_on("Esc back")
        terminal.wait_for("MADE")
        row, _ = terminal.place_of("townhall")
        terminal.click(row, 3, 64)  # the wheel, up
        terminal.click(row, 3, 64)
        terminal.settle()
        terminal.click_on("Enter open")
        terminal.wait_for("Nobody was heard.")
        terminal.click_on("d delete")
        terminal.wait_for("Delete this recording?")
        terminal.click_on("any other key: no")
        terminal.wait_gone("Delete this recording?")
        terminal.click_on("Esc back")
        terminal.wait_for("MADE")
        terminal.click_on("Esc back")
        terminal.wait_for("All is well")


def a_click_goes_to_a_field_and_opens_a_choice():
    with Desk() as desk, desk.console("setup", "--mouse") as terminal:
        terminal.wait_for("Guided set-up")
        terminal.click_on("Slots and quality")
        terminal.settle()
        terminal.click_on("Slots and quality")
        terminal.wait_for("Pictures a second")
        terminal.click_on("Pictures a second")
        terminal.keys("<Backspace><Backspace>25")
        terminal.wait_for(re.compile(r"\* Pictures a second +25"))
        terminal.click_on("Frame rate")
        terminal.settle()
        terminal.click_on("Frame rate")
        terminal.click_on("constant: for editors")
        terminal.settle()
        terminal.click_on("constant: for editors")
        terminal.wait_for(re.compile("Frame rate +< constant"))
        assert desk.read() == ""
        terminal.click_on("Save")
        terminal.wait_for("Start telerecd anew")
        assert "frame_rate = 25;" in desk.read() and "constant" in desk.read(), desk.read()


def a_click_is_one_however_late_the_button_comes_up():
    with Desk() as desk, desk.console("setup", "--mouse") as terminal:
        terminal.wait_for("Guided set-up")
        row, column = terminal.place_of("Slots and quality")
        press, release = (f"\033[<0;{column + 1};{row + 1}{end}".encode() for end in "Mm")
        for _ in range(8):
            terminal.keys("<Up>")
            terminal.settle()
            terminal.type(press)
            terminal.settle()
            terminal.type(release)
            terminal.settle()
            assert "Pictures a second" not in terminal.text(), terminal.picture()
        terminal.type(press)
        terminal.wait_for("Pictures a second")


def a_double_click_is_two_clicks():
    with Desk() as desk, desk.console("setup", "--mouse") as terminal:
        terminal.wait_for("Guided set-up")
        row, _ = terminal.place_of("Slots and quality")
        click = f"\033[<0;8;{row + 1}M\033[<0;8;{row + 1}m"
        terminal.type((click + click).encode())
        terminal.wait_for("Pictures a second")


def without_a_mouse_nothing_is_missing():
    with Desk() as desk, desk.console("home", "--mouse", term="vt100", locale="C") as terminal:
        terminal.wait_for("All is well")
        terminal.keys("3")
        terminal.wait_for("chemistry")


# ---- lines for a camera ----

def is_light(colour, is_front):
    if colour == "default":
        return is_front
    if re.fullmatch("[0-9a-f]{6}", colour):
        return sum(int(colour[i:i + 2], 16) for i in (0, 2, 4)) > 3 * 128
    return "white" in colour


def paint(terminal):
    """The terminal as a camera sees it: cells of 8 by 16 dots, in grey."""
    dots = []
    for row in range(terminal.screen.lines):
        cells, lines = terminal.cells(row), [bytearray() for _ in range(16)]
        for cell in cells:
            front, back = is_light(cell.fg, True), is_light(cell.bg, False)
            front, back = (back, front) if cell.reverse else (front, back)
            for y in range(16):
                for x in range(8):
                    is_ink = {" ": False, "\u2588": True, "\u2580": y < 8, "\u2584": y >= 8}.get(
                        cell.data, x in (2, 5) or y in (5, 10))
                    lines[y].append(255 if (front if is_ink else back) else 0)
        dots += lines
    return dots


def write_png(path, dots):
    def part(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" +
                  part(b"IHDR", struct.pack(">IIBBBBB", len(dots[0]), len(dots), 8, 0, 0, 0, 0)) +
                  part(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(line) for line in dots), 1)) +
                  part(b"IEND", b""))


def scan(terminal, folder):
    terminal.settle()
    path = os.path.join(folder, "screen.png")
    write_png(path, paint(terminal))
    done = subprocess.run(["zbarimg", "--quiet", "--raw", path], capture_output=True, text=True,
                          check=False)
    if done.returncode != 0 or not done.stdout:
        raise Failure(f"no code is found: {done.stderr}\n{terminal.picture()}")
    return done.stdout.rstrip("\n")


def the_doctors_lines_are_read_by_a_camera():
    """In all kinds of colours; in plain ASCII on a larger terminal."""
    folder = "/nonexistent/a folder"
    kinds = (("xterm-256color", "C.UTF-8", [], (24, 80)), ("linux", "C.UTF-8", [], (43, 132)),
             ("xterm-256color", "C.UTF-8", ["--mono"], (24, 80)),
             ("vt100", "C", [], (43, 132)), ("linux", "C", [], (60, 200)))
    with Desk(f'recordings = "{folder}";\n') as desk:
        for term, locale, options, (rows, columns) in kinds:
            with desk.console("doctor", *options, term=term, locale=locale, rows=rows,
                              columns=columns) as terminal:
                terminal.wait_for("in the way of recordings")
                terminal.keys("x")
                terminal.wait_all("1 of ", "is not there", "camera")
                said = scan(terminal, desk.folder.name)
                assert said == f"install -d -m 0750 '{folder}'" or folder in said, said
                if term.startswith("xterm"):  # its arrows
                    terminal.keys("<Right>")
                    terminal.wait_for("2 of ")
                    scan(terminal, desk.folder.name)
                    terminal.keys("<Left>")
                    terminal.wait_for("1 of ")
                terminal.escape()
                terminal.wait_for("in the way of recordings")
        with desk.console("doctor", "--ascii") as terminal:
            terminal.wait_for("in the way of recordings")
            terminal.keys("x")
            terminal.wait_for("needs a terminal of 28 rows")


# ---- colours ----

# What xterm-direct is; here also where ncurses-term is not installed.
DIRECT = r"""xterm-direct|xterm with colours of 24 bits,
	RGB, ccc@, colors#0x1000000, pairs#0x10000, initc@, op=\E[39;49m,
	setab=\E[%?%p1%{8}%<%t4%p1%d%e48:2::%p1%{65536}%/%d:%p1%{256}%/%{255}%&%d:%p1%{255}%&%d%;m,
	setaf=\E[%?%p1%{8}%<%t3%p1%d%e38:2::%p1%{65536}%/%d:%p1%{256}%/%{255}%&%d:%p1%{255}%&%d%;m,
	setb@, setf@, use=xterm-256color,
"""
# The eight, as pyte names them, and brighter.
PALETTE = {"black": (0, 0, 0), "red": (205, 0, 0), "green": (0, 205, 0), "brown": (205, 205, 0),
           "blue": (0, 0, 238), "magenta": (205, 0, 205), "cyan": (0, 205, 205),
           "white": (229, 229, 229), "default": (0, 0, 0)}


def rgb(colour):
    if re.fullmatch("[0-9a-f]{6}", colour):
        return tuple(int(colour[i:i + 2], 16) for i in (0, 2, 4))
    bright = colour.startswith("bright")
    base = PALETTE[colour[6:] if bright else colour]
    return tuple(255 if bright and c else c for c in base)


def mean(terminal, left, right):
    """Of the picture's cells between these columns; the upper and the lower half of each."""
    total, count = [0, 0, 0], 0
    for row in range(6, 16):
        for cell in terminal.cells(row)[left:right]:
            halves = {" ": (cell.bg, cell.bg), "\u2588": (cell.fg, cell.fg),
                      "\u2580": (cell.fg, cell.bg), "\u2584": (cell.bg, cell.fg)}[cell.data]
            for half in halves:
                total = [a + b for a, b in zip(total, rgb(half))]
                count += 1
    return [a / count for a in total]


def is_near(seen, wanted, most):
    return all(abs(a - b) <= most for a, b in zip(seen, wanted))


def the_walls_colours_are_the_pictures():
    red, blue = (208, 16, 16), (16, 16, 208)
    with Desk() as desk, tempfile.TemporaryDirectory(prefix="telerec-test.") as info:
        os.chmod(info, 0o755)
        subprocess.run(["tic", "-x", "-o", info, "-"], input=DIRECT, text=True, check=True,
                       stderr=subprocess.DEVNULL)
        direct = {"COLORTERM": "truecolor", "TERMINFO_DIRS": f"{info}:/etc/terminfo:/lib/terminfo:"
                  "/usr/share/terminfo"}
        # How many colours, what makes the terminal so, and how far from the picture's they may be.
        for name, env, options, most in (
                ("24 bits", direct, [], 12), ("256", {}, [], 45), ("16", {}, ["--colours", "16"], 60),
                ("8", {}, ["--colours", "8"], 60)):
            with desk.console("wall", *options, env=env) as terminal:
                terminal.wait_for("RECORDING standup")

                def fits(t, most=most):
                    try:
                        return (is_near(mean(t, 12, 36), red, most) and
                                is_near(mean(t, 44, 68), blue, most))
                    except KeyError:
                        return False  # not drawn yet
                terminal.wait_for(fits)
                print(f"{name}: {[round(c) for c in mean(terminal, 12, 36)]} for {red}, "
                      f"{[round(c) for c in mean(terminal, 44, 68)]} for {blue}")
        with desk.console("wall", "--mono") as terminal:
            terminal.wait_for(re.compile("[:=+*-]{20}"))  # brightness alone
            assert all(c.fg == c.bg == "default" for row in range(1, 20) for c in terminal.cells(row))


if __name__ == "__main__":
    run([every_screen_is_whole_at_every_size,
         every_form_keeps_what_is_typed_while_the_terminal_changes,
         a_region_that_scrolls_is_not_left_behind_by_a_resize,
         uploads_are_seen_and_tried_again, an_upload_target_is_set_and_tried,
         a_recording_is_copied_to_a_stick,
         a_click_does_what_the_keys_do, a_click_goes_to_a_field_and_opens_a_choice,
         a_click_is_one_however_late_the_button_comes_up, a_double_click_is_two_clicks,
         without_a_mouse_nothing_is_missing, the_doctors_lines_are_read_by_a_camera,
         the_walls_colours_are_the_pictures])
