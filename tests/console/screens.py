"""Home, Wall and Slot in terminals of three sizes, with UTF-8 and without, in colours and in none; with
more on them than a small machine can record."""

import os
import re
import subprocess
import tempfile

import fake_node
from terminal import Failure, Terminal, run, telerec

SIZES = ((24, 80), (43, 132), (60, 200))
# TERM, locale, options: what people stand before.
KINDS = (
    ("xterm-256color", "C.UTF-8", []),
    ("linux", "C.UTF-8", []),
    ("vt100", "C", []),
    ("screen", "C.UTF-8", ["--ascii", "--mono"]),
)
# A picture of 16 x 8: red on the left, blue on the right.
JPEG = None


def picture():
    """A JPEG, red on the left and blue on the right."""
    global JPEG
    if JPEG is None:
        raw = (b"\xd0\x10\x10" * 96 + b"\x10\x10\xd0" * 96) * 108
        JPEG = subprocess.run(
            ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "192x108", "-i", "-",
             "-f", "mjpeg", "-q:v", "2", "-"], input=raw, stdout=subprocess.PIPE, check=True).stdout
    return JPEG


class Look:
    """A double of a node, and consoles before it."""

    def __init__(self, slots):
        self.work = tempfile.TemporaryDirectory(prefix="telerec-test.")
        self.node = fake_node.FakeNode(os.path.join(self.work.name, "control.sock"), slots)
        for number in range(1, len(slots) + 1):
            self.node.answers[f"GET /v1/slots/{number}/preview.jpg"] = lambda _path: picture()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.node.stop()
        self.work.cleanup()

    def console(self, *options, **more):
        return Terminal([telerec(), "console", "--node", self.node.path, *options], **more)

    def at_all_sizes(self, *options):
        """(terminal, whether it may show more than ASCII, whether it has colours), one after another:
        each kind at one size and brought to the others."""
        for term, locale, more in KINDS:
            with self.console(*more, *options, term=term, locale=locale) as terminal:
                for rows, columns in SIZES:
                    terminal.resize(rows, columns)
                    yield terminal, locale == "C.UTF-8" and not more, term not in ("vt100", "screen")
        rows, columns = SIZES[-1]
        with self.console(*options, rows=rows, columns=columns) as terminal:
            yield terminal, True, True  # begun large


def two_slots():
    return [fake_node.recording_slot(1), fake_node.slot(2)]


def is_drawn(terminal, title):
    """All of the size is used: the help line is the last, the title the first."""
    lines = terminal.lines()
    return (lines[0].startswith(f" {title} - telerec-0a1b2c3d") and "? help" in lines[-1] and
            re.search(r"well +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$", lines[0]) and
            len(lines[0]) == terminal.screen.columns - 1)


def home_says_first_whether_all_is_well():
    with Look(two_slots()) as look:
        for terminal, is_utf8, _ in look.at_all_sizes():
            terminal.wait_for(lambda t: is_drawn(t, "Home"))
            terminal.wait_all(
                "All is well: 1 of 2 slots in use.", re.compile(r"> 1 +RECORDING standup +\d+:\d\d"),
                "-12 dB", re.compile(r"  2 +idle"), "meet.example.org: 2 of 2 recorders there",
                "412 GiB of 500 GiB free, some 310 hours of recording", "1 Wall", "3 Recordings")
            terminal.wait_for(lambda t: "All is well" in t.lines()[1])
            terminal.wait_for("██" if is_utf8 else "##")
            terminal.wait_for(lambda t: is_utf8 or t.text().isascii())


def home_says_in_plain_words_what_is_wrong():
    slots = [fake_node.recording_slot(1, warning="nobody has been heard for 5 minutes"),
             fake_node.slot(2, is_healthy=False, problem="the browser does not start")]
    with Look(slots) as look:
        def break_it(fake):
            fake.node["disk"].update(state="full", problem="the disk is full: remove recordings",
                                     is_in_memory=True)
            fake.node["links"] = [fake_node.link(1, state="offline", has_focus=False,
                                                 problem="wrong password of recorder@recorder")]
            fake.node["uploads"] = [{"name": "archive", "failing": 2, "problem": "nobody answers"},
                                    {"name": "cloud", "failing": 0, "problem": ""}]
        look.node.change(break_it)
        for terminal, _, _ in look.at_all_sizes():
            terminal.wait_all("Some things need you: recordings fail, or will fail.",
                              "! the disk is full: remove recordings",
                              "! Slot 2: the browser does not start",
                              "! meet.example.org: wrong password of recorder@recorder",
                              "! Recordings are kept in memory only, and are lost when",
                              "! Slot 1: nobody has been heard for 5 minutes",
                              "! 2 uploads to archive fail: nobody answers")
            terminal.wait_for(lambda t: "Some things" in t.lines()[1] and
                              t.lines()[2].startswith(" ! the disk"))


def sixteen_slots_fit_and_the_chosen_one_is_seen():
    slots = [fake_node.recording_slot(n, f"room{n}") if n % 2 else fake_node.slot(n)
             for n in range(1, 17)]
    with Look(slots) as look, look.console() as terminal:
        terminal.wait_all("All is well: 8 of 16 slots in use.", re.compile(r"> 1 +RECORDING room1"))
        terminal.keys("<Down>" * 20)
        terminal.wait_for(re.compile(r">16 +idle"))
        terminal.keys("<Enter>")
        terminal.wait_for("Slot 16: idle")
        terminal.keys("<Left>")
        terminal.wait_all("Slot 15: RECORDING", "room15@conference.meet.example.org")
        terminal.escape()
        terminal.wait_for("All is well")


def the_wall_shows_sixteen_pictures():
    with Look([fake_node.recording_slot(n, f"room{n}") for n in range(1, 17)]) as look:
        for terminal, is_utf8, has_colours in look.at_all_sizes("--screen", "wall"):
            terminal.wait_for(lambda t: is_drawn(t, "Wall"))
            terminal.wait_all(*(f"room{n}" for n in range(1, 17)))
            if is_utf8 and has_colours:
                terminal.wait_for(lambda t: len({c.fg for r in range(1, 20) for c in t.cells(r)} |
                                                {c.bg for r in range(1, 20) for c in t.cells(r)}) > 3)
            else:
                terminal.wait_for(lambda t: t.text().isascii())
                terminal.wait_for(re.compile(r"[:+=*-]{4}"))


def the_slot_shows_everything_of_its_session():
    stream = {"name": "rtmp://live.example/live/***", "state": "waiting", "problem": "it was refused",
              "kbps": 0, "queued_ms": 0, "reconnects": 3, "dropped": 12, "bytes": 0}
    slots = [fake_node.recording_slot(1, streams=[stream], warning="the picture has not changed")]
    with Look(slots) as look:
        for terminal, _, _ in look.at_all_sizes("--screen", "slot"):
            terminal.wait_for(lambda t: is_drawn(t, "Slot"))
            terminal.wait_all(
                "Slot 1: RECORDING", "standup@conference.meet.example.org", "5 besides us, 2 muted",
                "-12 dB, mean -20 dB", "drift +12.5 ppm", "3 dropped of 20000", "120 MiB",
                "software", "Chromium 150", "started 1 time", "live.example/live/***: waiting",
                "the picture has not changed")


def a_failure_stays_to_be_seen_with_its_picture():
    failed = dict(fake_node.session(1, "board"), state="ended", is_failure=True, reason="join_failed",
                  sentence="the password of the meeting is wrong", ended_ms=fake_node.NOW, file="",
                  grade="", bytes=0, duration_ms=0, is_over=True, folder="a folder")
    with Look([fake_node.slot(1)]) as look:
        look.node.answers["GET /v1/sessions"] = {"sessions": [failed]}
        look.node.answers["GET /v1/recordings/a%20folder/files/failure.png"] = picture()
        with look.console("--screen", "slot", rows=43, columns=132) as terminal:
            terminal.wait_all("Slot 1: idle", "(board): the password of the meeting is",
                              "What the page showed when it failed.")
            terminal.wait_for(lambda t: len({c.bg for r in range(5, 30) for c in t.cells(r)}) > 2)


def help_is_everywhere_and_escape_goes_back():
    with Look(two_slots()) as look, look.console() as terminal:
        terminal.wait_for("All is well")
        for key, title, words in (("1", "Wall", "Arrows     choose a slot"), ("2", "Slot", "stop the recording")):
            terminal.keys(key)
            terminal.wait_for(lambda t, title=title: is_drawn(t, title))
            terminal.keys("?")
            terminal.wait_for(words)
            terminal.resize(43, 132)
            terminal.wait_all("On every screen:", "Ctrl-L")
            terminal.resize(24, 80)
            terminal.escape()
            terminal.wait_gone("On every screen:")
            terminal.escape()
            terminal.wait_for(lambda t: is_drawn(t, "Home"))
        terminal.escape()
        terminal.wait_for("This is the first screen. q leaves.")
        terminal.keys("q")
        assert terminal.wait_end() == 0


def told_to_end_while_it_is_left_it_ends_well():
    for _ in range(3):
        with Look([fake_node.slot(1)]) as look, look.console() as terminal:
            terminal.wait_for("All is well")
            terminal.keys("q")
            terminal.process.terminate()
            assert terminal.wait_end() == 0


def a_tiny_terminal_does_no_harm():
    with Look(two_slots()) as look, look.console() as terminal:
        terminal.wait_for("All is well")
        for rows, columns in ((1, 1), (2, 4), (5, 20), (24, 1), (1, 80)):
            terminal.resize(rows, columns)
            terminal.keys("12?x<Up><Down>")
            terminal.escape()
            terminal.escape()
        terminal.resize(24, 80)
        for _ in range(20):  # two that come at once are another key
            terminal.escape()
            try:
                terminal.wait_for(lambda t: is_drawn(t, "Home"), patience_s=4)
                break
            except Failure:
                pass
        terminal.wait_for(lambda t: is_drawn(t, "Home"))


def nothing_is_sent_when_nothing_changes():
    """A second's clock and no more: no flicker, and a serial line is not flooded."""
    with Look([fake_node.slot(1)]) as look, look.console() as terminal:
        terminal.wait_all("All is well", "1 Wall")
        terminal.wait_for(lambda t: is_drawn(t, "Home"))
        first = terminal.lines()[0]
        terminal.wait_for(lambda t: t.lines()[0] != first)  # drawn completely before
        before, seen = terminal.bytes, set()
        while len(seen) < 5:  # as many times of the clock as were shown
            seen.add(terminal.wait_for(lambda t: t.lines()[0] not in seen and t.lines()[0]) and
                     terminal.lines()[0])
        sent = terminal.bytes - before
        assert sent < 5 * 400, f"{sent} bytes for 5 changes of the clock"


def without_a_terminal_it_says_so():
    done = subprocess.run([telerec(), "console"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"needs a terminal" in done.stderr, done
    with Terminal([telerec(), "console"], term="no-such-terminal") as terminal:
        terminal.wait_for('TERM="no-such-terminal"')
        assert terminal.wait_end() == 1


if __name__ == "__main__":
    run([home_says_first_whether_all_is_well, home_says_in_plain_words_what_is_wrong,
         sixteen_slots_fit_and_the_chosen_one_is_seen, the_wall_shows_sixteen_pictures,
         the_slot_shows_everything_of_its_session, a_failure_stays_to_be_seen_with_its_picture,
         help_is_everywhere_and_escape_goes_back, told_to_end_while_it_is_left_it_ends_well,
         a_tiny_terminal_does_no_harm, nothing_is_sent_when_nothing_changes, without_a_terminal_it_says_so])
