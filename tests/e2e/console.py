"""The console before a real telerecd: absent, started, recording, killed in the middle, back again;
what a person orders by keys, and what a failed recording leaves to be seen."""

import re

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


if __name__ == "__main__":
    need_tools()
    run([the_console_waits_for_a_node_and_finds_it_again, keys_stop_drain_and_restart])
