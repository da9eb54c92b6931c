"""A terminal with a program in it, for tests that press keys and read the screen.

    with Terminal(["telerec", "console"], rows=24, columns=80) as terminal:
        terminal.wait_for("Home")
        terminal.keys("1")            # text, or names: "<Up><Enter>"
        terminal.resize(43, 132)
        assert "Wall" in terminal.lines()[0]

What the program writes goes through pyte's emulation all the time, in a thread; waiting is for what
the screen shows, with a patience that fits a busy machine. Needs python3-pyte.
"""

import ctypes
import fcntl
import glob
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

try:
    import pyte
except ImportError:
    print("skipped: there is no python3-pyte")
    sys.exit(77)

PATIENCE_S = float(os.environ.get("TR_PATIENCE_S", 200))

NAMES = {
    "Up": "\033OA", "Down": "\033OB", "Right": "\033OC", "Left": "\033OD",
    "Home": "\033OH", "End": "\033OF", "PageUp": "\033[5~", "PageDown": "\033[6~",
    "Delete": "\033[3~", "Backspace": "\x7f", "BackTab": "\033[Z", "Tab": "\t", "Enter": "\r",
    "Esc": "\033", "F1": "\033OP", "F10": "\033[21~", "CtrlC": "\x03", "CtrlL": "\x0c", "Space": " ",
}


class Failure(Exception):
    """The screen is not as it should be; the text has the screen in it."""


class Ended(Failure):
    """The program is not there any more, to read what is typed."""


class Screen(pyte.Screen):
    """pyte's, and what xterm can and pyte cannot: the last character once more, and scrolling."""

    last = " "

    def draw(self, data):
        super().draw(data)
        self.last = data[-1:] or self.last

    def repeat(self, count=1, *_rest, **_private):
        super().draw(self.last * (count or 1))

    def scroll_up(self, count=1, *_rest, **_private):
        self._scroll(count or 1, self.delete_lines)

    def scroll_down(self, count=1, *_rest, **_private):
        self._scroll(count or 1, self.insert_lines)

    def _scroll(self, count, move):
        y, x = self.cursor.y, self.cursor.x
        self.cursor.y = self.margins.top if self.margins else 0
        move(count)
        self.cursor.y, self.cursor.x = y, x


class Stream(pyte.ByteStream):
    csi = dict(pyte.ByteStream.csi, b="repeat", S="scroll_up", T="scroll_down")
    events = pyte.ByteStream.events | {"repeat", "scroll_up", "scroll_down"}


# Colours of 24 bits with colons, as ISO 8613-6 has them and pyte does not.
COLONS = re.compile(rb"([34]8):2:(?:\d*:)?(\d+):(\d+):(\d+)")
UNFINISHED = re.compile(rb"\x1b(\[[0-9:;?]*)?$")


class Terminal:
    def __init__(self, argv, rows=24, columns=80, term="xterm-256color", locale="C.UTF-8", env=None,
                 is_harmless=False):
        """`is_harmless`: it runs as nobody when we are root, and can never become root."""
        self.screen = Screen(columns, rows)
        self.stream = Stream(self.screen)
        if "UTF-8" not in locale:
            self.stream.select_other_charset("@")
        self.changed = threading.Condition()
        self.rest = b""  # of a sequence that has not come whole
        self.bytes = 0  # that the program wrote
        self.is_over = False
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        self._set_size(rows, columns)
        whole = dict(os.environ, TERM=term, LC_ALL=locale)
        for name in ("COLORTERM", "LINES", "COLUMNS", "ESCDELAY", "TMUX"):
            whole.pop(name, None)
        whole.update(env or {})
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        self.process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, env=whole, close_fds=True,
            preexec_fn=self._take_terminal_without_rights if is_harmless else self._take_terminal,
            **(nobody if is_harmless and os.geteuid() == 0 else {}))
        os.close(slave)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    @staticmethod
    def _take_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    @classmethod
    def _take_terminal_without_rights(cls):
        if ctypes.CDLL(None).prctl(38, 1, 0, 0, 0) != 0:  # PR_SET_NO_NEW_PRIVS
            raise OSError("the rights cannot be given up")
        cls._take_terminal()

    def _set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self):
        while True:
            try:
                ready, _, _ = select.select([self.master], [], [], 0.5)
                data = os.read(self.master, 65536) if ready else None
            except BlockingIOError:
                continue
            except (OSError, ValueError):
                data = b""
            if data is None:
                continue
            with self.changed:
                if data:
                    self.bytes += len(data)
                    self._feed(data)
                else:
                    self.is_over = True
                self.changed.notify_all()
            if not data:
                return

    def _feed(self, data):
        data = self.rest + data
        end = UNFINISHED.search(data)
        self.rest = data[end.start():] if end else b""
        data = data[:len(data) - len(self.rest)]
        try:
            self.stream.feed(COLONS.sub(rb"\1;2;\2;\3;\4", data))
        except Exception as fault:
            # pyte's own, by sequences without sense, as the terminal's echo of keys at random has them:
            # to it a superscript is a digit, and then is not. It begins anew behind them.
            print(f"the emulator refuses {data[:200]!r}: {fault!r}", file=sys.stderr)
            self.stream.detach(self.screen)
            self.stream.attach(self.screen)

    # ---- the person ----

    def keys(self, keys):
        """Types it at once, as a paste: characters, and names as in "<Up><Enter>" ("<<" is "<")."""
        text = re.sub(r"<(\w+)>", lambda m: NAMES[m.group(1)], keys.replace("<<", "\0"))
        self.type(text.replace("\0", "<").encode())

    def type(self, data, patience_s=PATIENCE_S):
        """Bytes as they are; a terminal holds 4 KiB for a program that is slow."""
        until = time.monotonic() + patience_s
        while data:
            _, ready, _ = select.select([], [self.master], [], 0.5)
            if not ready:
                self._expect_reader(until)
                continue
            try:
                sent = os.write(self.master, data[:512])
            except BlockingIOError:
                sent = 0
            data = data[sent:]

    def _expect_reader(self, until):
        """The queue is full, which is well as long as somebody takes from it."""
        if self.is_over:
            raise Ended(f"the program ended (code {self._code()}) with keys unread:\n{self.picture()}")
        if time.monotonic() > until:
            raise Failure(f"the program reads no keys ({self._threads()}):\n{self.picture()}")

    def _threads(self):
        """What its threads wait for in the kernel."""
        waits = []
        for thread in glob.glob(f"/proc/{self.process.pid}/task/*"):
            try:
                with open(f"{thread}/stat", encoding="utf-8") as stat, \
                     open(f"{thread}/wchan", encoding="utf-8") as wchan:
                    waits.append(f"{stat.read().rpartition(') ')[2][0]} {wchan.read()}")
            except OSError:
                pass
        return ", ".join(waits)

    def click(self, row, column, button=0):
        """As xterm tells of it; button 64 and 65: the wheel, up and down."""
        self.type(f"\033[<{button};{column + 1};{row + 1}M\033[<{button};{column + 1};{row + 1}m"
                  .encode())

    def click_on(self, text):
        """Onto the first place where the screen has this text."""
        row, column = self.place_of(text)
        self.click(row, column + 1)

    def escape(self):
        """Escape alone: nothing may come right behind it, or it is the begin of a key."""
        self.keys("<Esc>")
        time.sleep(0.3)

    def resize(self, rows, columns):
        with self.changed:
            self.screen.resize(rows, columns)
            self._set_size(rows, columns)

    # ---- the screen ----

    def lines(self):
        with self.changed:
            return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def place_of(self, text):
        """Row and column of the first place where the screen has this text; waits for it."""
        def find(_):
            return next(((row, line.index(text)) for row, line in enumerate(self.lines())
                         if text in line), None)
        return self.wait_for(find)

    def cells(self, row):
        """pyte's characters of a row, with their colours."""
        with self.changed:
            line = self.screen.buffer[row]
            return [line[column] for column in range(self.screen.columns)]

    def _is_there(self, wanted):
        if callable(wanted):
            return wanted(self)
        if isinstance(wanted, re.Pattern):
            return wanted.search(self.text())
        return wanted in self.text()

    def wait_for(self, wanted, patience_s=PATIENCE_S):
        """Until the screen has this text, or matches this compiled pattern, or the function of the
        terminal says yes. Gives what it found."""
        return self._wait(wanted, True, patience_s)

    def wait_all(self, *parts, patience_s=PATIENCE_S):
        """Until the screen has all of them at once."""
        for part in parts:
            self.wait_for(part, patience_s)
        return self.wait_for(lambda t: all(t._is_there(part) for part in parts), patience_s)

    def wait_gone(self, wanted, patience_s=PATIENCE_S):
        return self._wait(wanted, False, patience_s)

    def _wait(self, wanted, is_wanted, patience_s):
        until = time.monotonic() + patience_s
        while True:
            with self.changed:
                seen = self.bytes
            found = self._is_there(wanted)
            if bool(found) == is_wanted:
                self._let_it_draw()
                return found
            with self.changed:
                if self.is_over and self.bytes == seen:
                    raise Failure(f"the program ended (code {self._code()}) and {wanted!r} did "
                                  f"not come:\n{self.picture()}")
                left = until - time.monotonic()
                if left <= 0:
                    what = "is not there" if is_wanted else "does not go"
                    raise Failure(f"{wanted!r} {what} after {patience_s} s:\n{self.picture()}")
                if self.bytes == seen:
                    self.changed.wait(min(left, 0.5))

    def _let_it_draw(self):
        """A picture comes in pieces: what is read off the screen next may be in a later one."""
        until = time.monotonic() + 1  # what moves all the time never ends
        with self.changed:
            seen = None
            while self.bytes != seen and time.monotonic() < until:
                seen = self.bytes
                self.changed.wait(0.05)

    def settle(self):
        """Until nothing is written for a moment: then the cursor is where it is left, and not on its
        way through a picture that comes in pieces."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with self.changed:
                seen = self.bytes
                self.changed.wait(0.15)
                if self.bytes == seen:
                    return

    def picture(self):
        """The screen in a frame, for a person."""
        edge = "+" + "-" * self.screen.columns + "+"
        with self.changed:
            rows = [f"|{line}|" for line in self.screen.display]
        return "\n".join([edge, *rows, edge])

    # ---- the end ----

    def _code(self):
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            return None

    def wait_end(self, patience_s=PATIENCE_S):
        """The exit code, after the program has ended by itself."""
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            raise Failure(f"the program does not end:\n{self.picture()}") from None
        self.thread.join(10)
        return code

    def close(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.thread.join(10)
        try:
            os.close(self.master)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind and not issubclass(kind, Failure):
            print(self.picture(), file=sys.stderr)
        self.close()


def build_dir():
    return os.environ.get("TR_BUILD_DIR") or sys.exit("TR_BUILD_DIR is not set")


def telerec():
    return os.path.join(build_dir(), "telerec")


def run(tests):
    """Runs the functions, tells of each, ends the program: 0, or 1 when one failed. A name on the
    command line: only that one."""
    wanted, failed = sys.argv[1:], 0
    for test in tests:
        name = test.__name__
        if wanted and name not in wanted:
            continue
        begin = time.monotonic()
        try:
            test()
            print(f"passed: {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except (Failure, AssertionError) as fault:
            failed += 1
            print(f"FAILED: {name}: {fault}", flush=True)
            if isinstance(fault, AssertionError):
                import traceback
                traceback.print_exc()
    sys.exit(1 if failed else 0)
