"""`python -m simulator`, and the console script: what is imported takes a moment, and may be interrupted."""

INTERRUPTED = 130


def main() -> None:
    """Run the command line; an interrupt ends it without a word."""
    try:
        from simulator.cli import main as run

        run()
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
