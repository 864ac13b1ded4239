"""Names of environment variables made from addresses, none of which a shell, loader or tool acts on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.errors import UsageError

PREFIX: Final = "SID_"
"""The beginning of names, unless `--prefix` gives another."""

_PREFIX: Final = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)
_OWNED: Final = re.compile(
    r"""
    # shells
      PATH | HOME | SHELL | USER | LOGNAME | PWD | OLDPWD | IFS | ENV | CDPATH | FPATH | ZDOTDIR | FIGNORE
    | GLOBIGNORE | SHELLOPTS | PS[0-4] | OPTIND | OPTARG | E?UID | GID | PPID | FCEDIT | MAIL | MAILPATH
    | MAILCHECK | TMOUT | MODULE_PATH | COMSPEC | PATHEXT
    # the system and its libraries
    | LANG | LANGUAGE | TERM | TERMCAP | TERMINFO | TMP | TEMP | TMPDIR | TZ | TZDIR | NLSPATH | LOCPATH
    | GCONV_PATH | GETCONF_DIR | HOSTALIASES | LOCALDOMAIN | RES_OPTIONS | RESOLV_HOST_CONF | SYSTEMROOT
    | WINDIR | (LOCAL)?APPDATA | USERPROFILE
    # programs that others start, and what those listen to
    | EDITOR | VISUAL | PAGER | MANPAGER | BROWSER | LESS | LESSOPEN | LESSCLOSE | CC | CXX | MAKE
    | M(AKE)?FLAGS | CLASSPATH | SUDO_ASKPASS | CI | (HTTPS? | ALL | NO | FTP)_PROXY
    # families, which grow with each release of their program
    | GO(ROOT | PATH | FLAGS | PROXY) | HIST(FILE | CONTROL | IGNORE)
    | (BASH | PERL5? | PYTHON | RUBY)[A-Z0-9]*
    | _?(AWS | BASH | CARGO | CURL | DOCKER | DOTNET | DYLD | GEM | GH | GIT | GITHUB | GITLAB | GLIBC
      | GOOGLE | JAVA | JDK | LC | LD | LUA | MALLOC | NODE | NPM | OPENSSL | PERL | PHP | PIP | PROMPT
      | PYTHON | RUBY | RECONCILER | REQUESTS | RUNNER | RUST | SSH | SSL | TWILIO | UV | XDG | ZSH)_.*
    """,
    re.VERBOSE,
)


def named(sids: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return *sids*, a mapping from addresses, with names of variables as keys; each begins with *prefix*.

    Raises UsageError for an impossible prefix, and for two addresses with one name. It also refuses a name
    that a shell, a loader or a common tool acts on, as shells source `.env` files.
    """
    if prefix and not _PREFIX.fullmatch(prefix):
        raise UsageError(
            "`--prefix` is no beginning of a variable's name",
            hint="use capitals, digits and `_`, and no digit first: `--prefix DEMO_`",
        )
    addresses: dict[str, str] = {}
    for address in sids:
        name = re.sub(r"^(?=[0-9])|[^A-Z0-9_]", "_", prefix + re.sub(r"[^A-Z0-9]", "_", address.upper()))
        if _OWNED.fullmatch(name):
            raise UsageError(
                f"`{address}` would be {name}, which shells or other programs act on",
                hint=f"choose another beginning of the names: `--prefix {PREFIX}`",
            )
        if name in addresses:
            raise UsageError(
                f"`{addresses[name]}` and `{address}` would both be {name}",
                hint="name globs that leave one of them out, or use `--format json`",
            )
        addresses[name] = address
    return {name: sids[address] for name, address in addresses.items()}
