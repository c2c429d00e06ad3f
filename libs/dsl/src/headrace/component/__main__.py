"""``python3 -m headrace.component``."""

from headrace.component.main import main

main()
