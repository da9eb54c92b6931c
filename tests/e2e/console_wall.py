"""The wall before running recordings: meters follow the tones, pictures differ and move. With a number
of seconds: four recordings, and what console and telerecd cost in that time."""

import os
import re
import sys
import time

from console_lib import Node, Pages, need_tools, run

# name, background, gain, whether it is silent every three seconds, dB on the screen
MEETINGS = (
    ("loud", "#102090", "0.5", True, -6),
    ("soft", "#901020", "0.05", False, -26),
    ("clear", "#109020", "0.25", False, -12),
    ("grey", "#505050", "0.1", True, -20),
)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Tile:
    """A meeting's place on the screen, found by its name."""

    def __init__(self, terminal, name, across, down):
        self.terminal = terminal
        self.name = name
        self.width = terminal.screen.columns // across
        self.height = (terminal.screen.lines - 3) // down

    def _find(self):
        for row, line in enumerate(self.terminal.lines()):
            at = line.find(self.name)
            if at >= 0 and row > 2:
                return row, at // self.width * self.width
        return None

    def level(self):
        """(dB as written, None for silence; share of the meter that is filled); None: not there."""
        with self.terminal.changed:
            place = self._find()
            if not place or place[0] + 1 >= self.terminal.screen.lines:
                return None
            row, left = place
            text = self.terminal.lines()[row + 1].ljust(left)[left:left + self.width]
        said = re.search(r"(-?\d+) dB|silent", text)
        filled = text.count("█") + text.count("▌") / 2
        all_of_it = text.count("█") + text.count("▌") + text.count("·")
        if not said or not all_of_it:
            return None
        return (int(said.group(1)) if said.group(1) else None, filled / all_of_it)

    def picture(self):
        """The cells above its name, with their colours."""
        with self.terminal.changed:
            place = self._find()
            if not place:
                return []
            row, left = place
            return [(cell.data, cell.fg, cell.bg) for above in range(max(row + 2 - self.height, 1), row)
                    for cell in self.terminal.cells(above)[left:left + self.width]]

    def tint(self):
        """Mean red, green, blue."""
        colours = [c for _, fg, bg in self.picture() for c in (fg, bg) if re.fullmatch("[0-9a-f]{6}", c)]
        return [sum(int(c[i:i + 2], 16) for c in colours) / max(len(colours), 1) for i in (0, 2, 4)]


def is_near(level, db):
    """The meter is from -60 dB on, and some of its columns wide: a column is a few dB."""
    return (level is not None and level[0] is not None and abs(level[0] - db) <= 3 and
            abs(level[1] - (1 + db / 60)) < 0.12)


def is_silent(level):
    return level is not None and level[0] is None and level[1] == 0


def look_at(terminal, meetings, across, down):
    tiles = {m[0]: Tile(terminal, m[0], across, down) for m in meetings}
    for name, _colour, _gain, beeps, db in meetings:
        tile = tiles[name]
        terminal.wait_for(lambda _t, tile=tile, db=db: is_near(tile.level(), db))
        if beeps:  # its silence is seen, and its sound again
            terminal.wait_for(lambda _t, tile=tile: is_silent(tile.level()))
            terminal.wait_for(lambda _t, tile=tile, db=db: is_near(tile.level(), db))
        terminal.wait_for(lambda _t, tile=tile: len(set(tile.picture())) > 3)  # there is one
        before = tile.picture()
        terminal.wait_for(lambda _t, tile=tile, before=before: tile.picture() != before)  # it moves
    return tiles


def meters_follow_the_tones_and_pictures_differ_and_move():
    pages = Pages()
    with Node(2) as node:
        node.start()
        node.wait_well(2)
        for name, colour, gain, beeps, _db in MEETINGS[:2]:
            node.record(pages.page(name, colour, gain, beeps), name)
        with node.console("--screen", "wall", rows=24, columns=80) as terminal:
            tiles = look_at(terminal, MEETINGS[:2], 2, 1)
            terminal.wait_for(lambda _t: tiles["loud"].tint()[2] > tiles["loud"].tint()[0] + 20)
            terminal.wait_for(lambda _t: tiles["soft"].tint()[0] > tiles["soft"].tint()[2] + 20)
            terminal.resize(43, 132)
            tiles = look_at(terminal, MEETINGS[:2], 2, 1)


def four_recordings_cost_little(seconds):
    pages = Pages()
    with Node(4) as node:
        node.start()
        node.wait_well(4)
        for name, colour, gain, beeps, _db in MEETINGS:
            node.record(pages.page(name, colour, gain, beeps), name)
        with node.console("--screen", "wall", rows=43, columns=132) as terminal:
            look_at(terminal, MEETINGS, 2, 2)
            pids = {"console": terminal.process.pid, "telerecd": node.process.pid}
            begin = {name: cpu_s(pid) for name, pid in pids.items()}
            sent, began = terminal.bytes, time.monotonic()
            time.sleep(seconds)
            took = time.monotonic() - began
            used = {name: 100 * (cpu_s(pid) - begin[name]) / took for name, pid in pids.items()}
            print(f"of a core: console {used['console']:.2f} %, telerecd {used['telerecd']:.2f} %; "
                  f"to the terminal {(terminal.bytes - sent) / took / 1024:.1f} KiB/s")
            assert sum(used.values()) < 5, used


def four():
    four_recordings_cost_little(int(os.environ["TR_WALL_SECONDS"]))


if __name__ == "__main__":
    need_tools()
    if len(sys.argv) > 1:
        os.environ["TR_WALL_SECONDS"] = sys.argv.pop()
        run([four])
    run([meters_follow_the_tones_and_pictures_differ_and_move])
