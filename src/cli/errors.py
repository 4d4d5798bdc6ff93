"""The command line's errors.

CliError          one line on stderr and an exit code
├── Usage         the arguments make no sense (2)
├── Finding       the command worked and found something wrong (1)
└── OutputClosed  whoever read stdout has read enough (0, and nothing is said)
"""

from __future__ import annotations


class CliError(Exception):
    exit_code = 1


class Usage(CliError):
    exit_code = 2


class Finding(CliError):
    exit_code = 1


class OutputClosed(CliError):
    exit_code = 0
