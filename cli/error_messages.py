"""Turns an error into one message with a remedy, and the exit code."""

import errno

import cyclopts

from dailies.errors import DailiesError
from dailies.gateway.hosting.errors import SandboxError

REFUSED, OPEN = 2, 3
LEFT_AT_ONCE = 130
"""The exit code of a command that Ctrl-C ended at once: what a shell expects after SIGINT."""
UNREAD = 141
"""The exit code if the reader of the output is gone: what a shell expects after SIGPIPE."""

_REMEDIES = {
    errno.ENOSPC: "free some space, then run the same command again",
    errno.EDQUOT: "free some space, then run the same command again",
    errno.EROFS: "choose another folder with DAILIES_DATA_DIR",
    errno.EACCES: "get write permission there, or choose another folder with DAILIES_DATA_DIR",
    errno.EPERM: "get write permission there, or choose another folder with DAILIES_DATA_DIR",
    errno.ENOTDIR: "choose another folder with DAILIES_DATA_DIR",
    errno.EEXIST: "choose another folder with DAILIES_DATA_DIR",
    errno.EISDIR: "name a file, not a folder",
    errno.EMFILE: "allow more open files (ulimit -n 4096), or lower DAILIES_MAX_IN_FLIGHT",
}


def explain(error: BaseException) -> tuple[str, int]:
    """Return the message and the exit code of an error; the message is empty if the reader of the output is gone."""
    match error:
        case DailiesError() if error.remedy and error.remedy not in str(error):
            return f"{str(error).rstrip('.')}. {error.remedy[:1].upper()}{error.remedy[1:]}.", error.exit_code
        case DailiesError():
            return str(error), error.exit_code
        case SandboxError():
            return str(error), REFUSED
        case cyclopts.CycloptsError():
            return _misused(error), REFUSED
        case KeyboardInterrupt():
            return "\nStopped. Nothing is lost: the same command continues.", LEFT_AT_ONCE  # below the terminal's ^C
        case BrokenPipeError():
            return "", UNREAD
        case OSError() if error.strerror:
            remedy = _REMEDIES.get(error.errno or 0, "run the same command again; what was bought stays bought")
            return f"{error.filename or 'The disk'}: {error.strerror}; {remedy}.", OPEN
    defect = f"This is a defect of Dailies ({type(error).__name__}: {error})."
    return f"{defect} Nothing is lost: the same command continues. Add --debug to see where, and report it.", OPEN


def _misused(error: cyclopts.CycloptsError) -> str:
    verb = " ".join(("dailies", *(error.command_chain or ())))
    return f"{str(error).strip()} See {verb} --help."
