"""Home, Wall and Slot in terminals of three sizes, with UTF-8 and without, in colours and in none."""

import os
import tempfile

import fake_node
from terminal import Terminal, run, telerec

SIZES = ((24, 80), (43, 132), (60, 200))
# TERM, locale, options: what people stand before.
KINDS = (
    ("xterm-256color", "C.UTF-8", []),
    ("linux", "C.UTF-8", []),
    ("vt100", "C", []),
    ("screen", "C.UTF-8", ["--ascii", "--mono"]),
)


def console(work, node, *options, **more):
    del work
    return Terminal([telerec(), "console", "--node", node.path, *options], **more)


def with_node(slots, test):
    with tempfile.TemporaryDirectory(prefix="telerec-test.") as work:
        node = fake_node.FakeNode(os.path.join(work, "control.sock"), slots)
        test(work, node)


def two_slots():
    return [fake_node.recording_slot(1), fake_node.slot(2)]


def home_says_first_whether_all_is_well():
    def look(work, node):
        for rows, columns in SIZES:
            for term, locale, options in KINDS:
                with console(work, node, *options, rows=rows, columns=columns, term=term,
                             locale=locale) as terminal:
                    terminal.wait_all(
                        "All is well: 1 of 2 slots in use.", "RECORDING", "standup", " 12:3",
                        "-12 dB", "meet.example.org: 2 of 2", "idle",
                        "412 GiB of 500 GiB free, some 310 hours", "? help")
                    terminal.wait_for(lambda t: "All is well" in t.lines()[1])
                    text = terminal.text()
                    if "UTF-8" not in locale or options:
                        assert text.isascii(), terminal.picture()
                    assert len(terminal.lines()) == rows

    with_node(two_slots(), look)


if __name__ == "__main__":
    run([home_says_first_whether_all_is_well])
