"""Keys at the console on an appliance's serial line, in the test of its life (image_life.sh).

    image_keys.py install|upkeep QEMU_COMMAND...

The machine is QEMU's, with the serial line on its standard input and output. The PIN is 2468.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "console"))
from terminal import Failure, Terminal  # noqa: E402

# Everything takes minutes in software on a busy machine.
PATIENCE_S = 3600


def await_text(terminal, text):
    terminal.wait_for(text, patience_s=PATIENCE_S)
    print("   seen: " + text, flush=True)


def pin_is_set():
    with open(os.environ["TR_KEYS_RESULT"], "rb") as result:
        words = result.read()
    if b"PIN: 1" in words:
        raise Failure("the PIN was not set, or is not there")
    return b"PIN: 0" in words


def open_system_page(terminal):
    """From whatever GRUB and the kernel left on the screen: the console draws itself anew."""
    await_text(terminal, "Recordings")
    while not pin_is_set():
        terminal.settle()
    terminal.keys("<CtrlL>")
    await_text(terminal, "System")
    terminal.keys("9")
    await_text(terminal, "Factory reset")
    on_page(terminal)


def back_to_page(terminal):
    terminal.keys("<Esc>")
    on_page(terminal)


def on_page(terminal):
    """No dialog is over it any more, so that a key is the page's."""
    terminal.wait_for(lambda t: "Doctor" in t.text() and "Switch off" in t.text() and "┌" not in t.text(),
                      patience_s=PATIENCE_S)


def choose_disk(terminal, disk, again, answer):
    terminal.keys("i")
    await_text(terminal, "y: show the disks")
    terminal.keys("y")
    await_text(terminal, "Install on which disk?")
    terminal.keys(disk + "<Enter>")
    await_text(terminal, "Type vda to go on")
    terminal.keys(again + "<Enter>")
    await_text(terminal, answer)
    await_text(terminal, "Enter comes back to the console.")
    terminal.keys("<Enter>")
    on_page(terminal)


def has_prompt(terminal):
    lines = [line for line in terminal.lines() if line]
    return bool(lines) and lines[-1].strip() in ("$", "#")


def try_shell(terminal):
    """It asks for the PIN, and may do as root only what is in the list of sudo."""
    terminal.keys("s")
    await_text(terminal, "Console PIN")
    terminal.keys("2468<Enter>")
    await_text(terminal, "A shell.")
    terminal.wait_for(has_prompt, patience_s=PATIENCE_S)
    terminal.keys("clear; sudo -n telerec install --disk /dev/vda --yes-erase /dev/vda; echo not allowed: $?<Enter>")
    await_text(terminal, "not allowed: 1")
    terminal.wait_for(has_prompt, patience_s=PATIENCE_S)
    terminal.keys("exit<Enter>")
    on_page(terminal)


def leave(terminal, key, question):
    terminal.keys(key)
    await_text(terminal, "y: " + question)
    terminal.keys("y")
    terminal.wait_end(patience_s=PATIENCE_S)


def install(terminal):
    open_system_page(terminal)
    try_shell(terminal)
    choose_disk(terminal, "vda", "vdx", "Nothing was changed.")
    choose_disk(terminal, "vda", "vda", "telerec is on /dev/vda")
    leave(terminal, "o", "Switch the machine off")


def upkeep(terminal):
    open_system_page(terminal)
    terminal.keys("u")
    await_text(terminal, "What is installed")
    terminal.keys("<Enter>")
    await_text(terminal, "runs from slot A")
    back_to_page(terminal)
    terminal.keys("u")
    await_text(terminal, "Take the update from a stick")
    terminal.keys("<Down><Enter>")
    await_text(terminal, "y: write it")
    terminal.keys("y")
    await_text(terminal, "Slot B has telerec 9.0.0")
    back_to_page(terminal)
    terminal.keys("f")
    await_text(terminal, "Nobody")
    terminal.keys("reset<Enter>")
    await_text(terminal, "At the next restart this machine is as new")
    back_to_page(terminal)
    leave(terminal, "r", "Restart the machine")


def main():
    what = {"install": install, "upkeep": upkeep}[sys.argv[1]]
    with Terminal(sys.argv[2:], rows=24, columns=80, term="vt102") as terminal:
        what(terminal)


main()
