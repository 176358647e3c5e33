"""The command's front door, so small that Ctrl-C while all else is imported is met, too."""

import sys


def main() -> None:
    """Runs the command and exits."""
    try:
        from becalm_apps.main import main as run

        run()
    except KeyboardInterrupt:
        print("becalm: stopped", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
