"""The console before a real telerecd: absent, started, recording, killed in the middle, back again;
what a person orders by keys, and what a failed recording leaves to be seen."""

import os
import re
import subprocess

from console_lib import Node, Pages, need_tools, run

VERDICT = re.compile(r"\d of 2 slots in use")


def the_console_waits_for_a_node_and_finds_it_again():
    pages = Pages()
    with Node(2) as node, node.console(rows=24, columns=80) as terminal:
        terminal.wait_all("telerecd is not running", "NO CONNECTION")
        node.start()
        terminal.wait_all("0 of 2 slots in use", " well ", patience_s=240)
        terminal.wait_gone("NO CONNECTION")

        node.record(pages.page("loud", "#204060", "0.5"), "loud")
        terminal.wait_all("1 of 2 slots in use", "RECORDING loud", re.compile(r"-[5-8] dB"))
        terminal.wait_for(re.compile(r"RECORDING loud.* [1-9]\d* %"))  # of a processor

        node.kill()
        terminal.wait_all("telerecd is not running", "NO CONNECTION")
        terminal.wait_for("RECORDING loud")  # what was known last stays
        node.start()
        terminal.wait_all(VERDICT, " well ", patience_s=240)
        terminal.wait_gone("NO CONNECTION")
        terminal.keys("q")
        assert terminal.wait_end() == 0


def keys_stop_drain_and_restart():
    pages = Pages()
    with Node(1) as node:
        node.start()
        node.wait_well(1)
        node.record(pages.page("soft", "#602040", "0.05"), "soft")
        with node.console(rows=24, columns=80) as terminal:
            terminal.wait_for("RECORDING soft")
            terminal.keys("2")
            terminal.wait_all("Slot 1: RECORDING", "soft@conference.example.org",
                              re.compile(r"-2[4-8] dB"))
            terminal.keys("r")  # not in the middle of a recording
            terminal.wait_for("The slot records, and is not")
            terminal.escape()
            terminal.wait_gone("The slot records, and is not")

            terminal.keys("s")
            terminal.wait_all("Stop the recording?", "soft is no longer recorded")
            terminal.keys("n")
            terminal.wait_gone("Stop the recording?")
            terminal.wait_for("Slot 1: RECORDING")
            terminal.keys("s")
            terminal.wait_for("Stop the recording?")
            terminal.keys("y")
            terminal.wait_for("Slot 1: idle", patience_s=240)

            terminal.keys("d")
            terminal.wait_for("Drain this node?")
            terminal.keys("y")
            terminal.wait_for("DRAINING")
            terminal.keys("d")
            terminal.wait_gone("DRAINING")

            # While a slot makes a recording's files it is not started anew.
            terminal.wait_for(lambda _: "is complete" in node.last_log(), patience_s=240)
            terminal.keys("r")
            terminal.wait_for("Restart the slot?")
            terminal.keys("y")
            terminal.wait_all("Slot 1: idle", "started 2 times", patience_s=240)

            # A meeting that cannot be: why, and what the page showed.
            code, said = node.verb("start", "http://127.0.0.1:1/nobody", "--session-id", "nobody",
                                   "--room", "nobody@conference.example.org", "--wait=over")
            assert code == 1, said
            terminal.wait_all("Failed last at", "(nobody)", patience_s=240)
        assert node.verb("recordings", "show", "soft")[0] == 0


class FullNode(Node):
    """Its recordings are on a disk of 48 MiB that is full, and its sound device is none."""

    def __enter__(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=777", "telerec-full", self.out],
                       check=True)
        with open(os.path.join(self.out, "filler"), "wb") as out:
            out.write(bytes(47 << 20))
        with open(self.config, encoding="utf-8") as conf:
            text = conf.read()
        with open(self.config, "w", encoding="utf-8") as conf:
            conf.write(text.replace('source = "plugin";', 'source = "pcm"; capture_pcm = '
                                    '"no_such_device"; player_pcm = "no_such_device";'))
        return self

    def __exit__(self, *what):
        self.stop()
        subprocess.run(["umount", self.out], check=True)
        super().__exit__(*what)


def words(text):
    """Also where a line is broken between them."""
    return re.compile(r"\s+".join(map(re.escape, text.split())))


def a_full_disk_and_no_sound_are_told_with_their_cure():
    if os.geteuid() != 0:
        print("not done: only root can mount a small disk")
        return
    with FullNode(1) as node:
        node.start()
        with node.console(rows=24, columns=80) as terminal:
            terminal.wait_all(
                "recordings fail, or will fail", words("left for recordings in"),
                words("make room"), words('The sound device "no_such_device" cannot be recorded'),
                words('"arecord -L" lists the names'), patience_s=240)
            terminal.keys("6")
            terminal.wait_all(
                "in the way of recordings", words("has only"),
                words("Recordings are refused, or end when the disk is full."),
                words("then make room, or name another folder"), patience_s=240)


if __name__ == "__main__":
    need_tools()
    run([the_console_waits_for_a_node_and_finds_it_again, keys_stop_drain_and_restart,
         a_full_disk_and_no_sound_are_told_with_their_cure])
