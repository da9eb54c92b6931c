"""Keys at the console on an appliance's serial line, in the test of its life (image_life.sh).

    image_keys.py install|upkeep QEMU_COMMAND...

The machine is QEMU's, with the serial line on its standard input and output. The PIN is 2468.
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "console"))
from terminal import Terminal  # noqa: E402

# Everything takes minutes in software on a busy machine.
PATIENCE_S = 3600


def await_text(terminal, text):
    terminal.wait_for(text, patience_s=PATIENCE_S)
    print("   seen: " + text, flush=True)


def pin_is_set():
    with open(os.environ["TR_KEYS_RESULT"], "rb") as result:
        return b"PIN: 0" in result.read()


def open_system_page(terminal):
    """From whatever GRUB and the kernel left on the screen: the console draws itself anew."""
    await_text(terminal, "Recordings")
    while not pin_is_set():
        terminal.settle()
    terminal.keys("<CtrlL>")
    await_text(terminal, "System")
    terminal.keys("9")
    await_text(terminal, "Factory reset")


def open_shell(terminal):
    terminal.keys("s")
    await_text(terminal, "Console PIN")
    terminal.keys("2468<Enter>")
    await_text(terminal, "A shell.")


def has_prompt(terminal):
    lines = [line for line in terminal.lines() if line]
    return bool(lines) and lines[-1].strip() in ("$", "#")


def command(terminal, line, answer):
    """What is typed while sudo still runs would be sudo's, and lost."""
    terminal.wait_for(has_prompt, patience_s=PATIENCE_S)
    terminal.keys("clear; " + line + "<Enter>")
    await_text(terminal, answer)


def install(terminal):
    open_system_page(terminal)
    terminal.keys("i")
    await_text(terminal, "/dev/vda")
    terminal.keys("<Esc>")
    await_text(terminal, "Factory reset")
    open_shell(terminal)
    command(terminal, "sudo telerec install", "Install on which disk?")
    terminal.keys("vda<Enter>")
    await_text(terminal, "Type vda to go on")
    terminal.keys("vdx<Enter>")
    await_text(terminal, "Nothing was changed.")
    # Only what is in the list of sudo.
    command(terminal, "sudo -n telerec install --disk /dev/vda --yes-erase /dev/vda; echo not allowed: $?",
            "not allowed: 1")
    command(terminal, "sudo telerec install", "Install on which disk?")
    terminal.keys("vda<Enter>")
    await_text(terminal, "Type vda to go on")
    terminal.keys("vda<Enter>")
    await_text(terminal, "copying the system")
    await_text(terminal, "telerec is on /dev/vda")
    terminal.wait_for(has_prompt, patience_s=PATIENCE_S)
    terminal.keys("sudo systemctl poweroff<Enter>")
    terminal.wait_end(patience_s=PATIENCE_S)


def upkeep(terminal):
    open_system_page(terminal)
    terminal.keys("u")
    await_text(terminal, "runs from slot A")
    terminal.keys("<Esc>")
    await_text(terminal, "Factory reset")
    open_shell(terminal)
    command(terminal, "sudo telerec update --from-stick", "Writing telerec 9.0.0 to slot B")
    await_text(terminal, "Slot B has telerec 9.0.0")
    terminal.wait_for(has_prompt, patience_s=PATIENCE_S)
    terminal.keys("exit<Enter>")
    await_text(terminal, "All settings are LOST")
    terminal.keys("f")
    await_text(terminal, "Nobody")
    terminal.keys("reset<Enter>")
    await_text(terminal, "At the next restart this machine is as new")
    terminal.keys("<Esc>")
    await_text(terminal, "Factory reset")
    open_shell(terminal)
    terminal.wait_for(has_prompt, patience_s=PATIENCE_S)
    terminal.keys("sudo systemctl poweroff<Enter>")
    terminal.wait_end(patience_s=PATIENCE_S)


def main():
    what = {"install": install, "upkeep": upkeep}[sys.argv[1]]
    with Terminal(sys.argv[2:], rows=24, columns=80, term="vt102") as terminal:
        what(terminal)


main()
