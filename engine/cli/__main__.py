"""``python -m engine.cli`` is ``shopbell``, for where the installed command is not at hand."""

from engine.cli import main

main()
