"""The command's front door, so small that a signal while all else is imported is met, too."""

import sys

from becalm_apps.cli.process.interrupt import defer_interrupts, interrupted_code


def main() -> None:
    """Runs the command and exits."""
    try:
        with defer_interrupts():
            from becalm_apps.main import main as run

            run()
    except KeyboardInterrupt as pressed:
        print("becalm: stopped", file=sys.stderr)
        sys.exit(interrupted_code(pressed))


if __name__ == "__main__":
    main()
