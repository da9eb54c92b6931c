"""random_keys.py SECONDS [SEED]: keys at random, as fast as the console takes them, in terminals that
change their size, before a node that comes and goes. It may do nothing wrong: it ends when it is told
to, and with a sanitizer in the build that finds nothing."""

import os
import random
import shutil
import sys
import tempfile
import time

import fake_node
from terminal import NAMES, Ended, Failure, Terminal, telerec

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 20
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else int.from_bytes(os.urandom(4), "big")
KINDS = (("xterm-256color", "C.UTF-8"), ("linux", "C.UTF-8"), ("vt100", "C"), ("screen", "C"))
LETTERS = "0123456789abcdefghijklmnoprstuvwxyz?/.,:- ABCÄß会\t\r"
SIZES = ((24, 80), (43, 132), (60, 200), (1, 1), (2, 5), (3, 20), (10, 40), (24, 81))


def make_keys(rng):
    """Some keys, seldom one that leaves."""
    kind = rng.random()
    if kind < 0.45:
        return NAMES[rng.choice(sorted(set(NAMES) - {"CtrlC"}))].encode()
    if kind < 0.55:  # the mouse, also outside of the screen
        button, row, column = rng.choice((0, 0, 0, 64, 65)), rng.randrange(1, 62), rng.randrange(1, 210)
        return f"\033[<{button};{column};{row}M\033[<{button};{column};{row}m".encode()
    if kind < 0.9:
        return rng.choice(LETTERS).encode()
    if kind < 0.95:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(1, 12))).replace(b"\x03", b"x")
    return b"".join(rng.choice(LETTERS).encode() for _ in range(rng.randrange(300)))


def change_node(rng, node):
    """What may come from a node: other slots, long and foreign names, none of them."""
    count = rng.randrange(0, 17)
    names = ("standup", "x" * 400, "\u202egnp.exe", "会議室" * 30, "", "a\x1b[2Jb")

    def change(fake):
        fake.slots = [fake_node.recording_slot(n, rng.choice(names), warning=rng.choice(names),
                                               progress=rng.choice((None, fake_node.progress())))
                      if rng.random() < 0.5 else
                      fake_node.slot(n, is_healthy=rng.random() < 0.7, problem=rng.choice(names))
                      for n in range(1, count + 1)]
        fake.node = fake_node.node(fake.slots, is_draining=rng.random() < 0.3)

    node.change(change)


def read_logs(work):
    """What a sanitizer said."""
    said = ""
    for name in os.listdir(work):
        if name.startswith("log."):
            with open(os.path.join(work, name), encoding="utf-8", errors="replace") as log:
                said += log.read()
    return said


def play(rng, work, until):
    """One console from its begin to its end."""
    node = fake_node.FakeNode(os.path.join(work, "control.sock"), [fake_node.recording_slot(1)])
    term, locale = rng.choice(KINDS)
    # What a screen may run as root would change this machine: it has no rights, and finds no tools.
    env = {"PATH": work, "HOME": work, "SHELL": "/bin/false",
           "ASAN_OPTIONS": f"exitcode=99:log_path={work}/log",
           "LSAN_OPTIONS": f"suppressions={work}/not-ours:print_suppressions=0",
           "UBSAN_OPTIONS": f"log_path={work}/log:print_stacktrace=1",
           "NCURSES_GPM_TERMS": "none",  # libgpm keeps some, and is not there to be named any more
           **rng.choice(({}, {"COLORTERM": "truecolor"}))}
    os.chmod(node.path, 0o666)
    is_down = False
    with Terminal([os.path.join(work, "telerec"), "console", "--node", node.path, "--config",
                   os.path.join(work, "telerec.conf"), *rng.choice(([], ["--mouse"]))], term=term,
                  locale=locale, env=env, is_harmless=True) as terminal:
        terminal.wait_for("Home")  # before, the terminal itself takes keys that interrupt
        end = min(until, time.monotonic() + 10)
        while time.monotonic() < end and not terminal.is_over:
            for _ in range(rng.randrange(1, 40)):
                try:
                    terminal.type(make_keys(rng))
                except (Ended, OSError):
                    break
            step = rng.random()
            if step < 0.15:
                terminal.resize(*rng.choice(SIZES))
            elif step < 0.25 and not is_down:
                change_node(rng, node)
            elif step < 0.3:
                if is_down:
                    node.start()
                    os.chmod(node.path, 0o666)
                else:
                    node.stop()
                is_down = not is_down
            time.sleep(0.02)  # fewer keys than it can take: its queue is a terminal's
        terminal.process.terminate()
        code = terminal.wait_end(120)
        if not is_down:
            node.stop()
        if code != 0:
            raise Failure(f"it ended with code {code} (seed {SEED}):\n{terminal.picture()}\n"
                          f"{read_logs(work)}")


def main():
    print(f"seed {SEED}, {SECONDS} s", flush=True)
    rng = random.Random(SEED)
    until = time.monotonic() + SECONDS
    with tempfile.TemporaryDirectory(prefix="telerec-test.") as work:
        os.chmod(work, 0o1777)
        with open(os.path.join(work, "not-ours"), "w", encoding="utf-8") as out:
            out.write("leak:libtinfo\nleak:libncursesw\n")  # curses keeps some for a next terminal
        shutil.copy(telerec(), work)  # a build folder may be closed to others
        os.chdir(work)
        while time.monotonic() < until:
            play(rng, work, until)
    print("passed")


try:
    main()
except Failure as fault:
    print(f"FAILED: {fault}")
    sys.exit(1)
