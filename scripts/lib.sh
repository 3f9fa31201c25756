# scripts/lib.sh - shell functions that the scripts share; sourced, not run
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

# Files made here must be readable for the unprivileged user of the tests.
umask 022

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Print the version of the project: that of the control file.
version() { sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$root/extension/clickstream.control"; }

# Forget the caller's connection settings: only our own server is meant.
clean_environment() {
    local name
    for name in "${!PG@}"; do
        [ "$name" = PG_CONFIG ] || unset "$name"
    done
    export LC_ALL=C.UTF-8 LANG=C.UTF-8
}

# Succeed where $1 is a pg_config that belongs to a server one can build for.
pg_config_usable() {
    local pgxs
    pgxs=$("$1" --pgxs 2>/dev/null) && [ -e "$pgxs" ] && [ -x "$("$1" --bindir)/postgres" ]
}

# Print the major version of the server that pg_config $1 belongs to.
pg_major() { "$1" --version | sed -E 's/^PostgreSQL ([0-9]+).*/\1/'; }

# Set and export PG_CONFIG: the caller's, else the one in PATH (Debian's is its newest), else any.
find_pg_config() {
    local candidate
    if [ -n "${PG_CONFIG:-}" ]; then
        pg_config_usable "$PG_CONFIG" ||
            die "PG_CONFIG=$PG_CONFIG does not name a server with its development files"
        PG_CONFIG=$(command -v "$PG_CONFIG")
    else
        for candidate in pg_config /usr/lib/postgresql/*/bin/pg_config; do
            if pg_config_usable "$candidate"; then PG_CONFIG=$(command -v "$candidate"); break; fi
        done
        [ -n "${PG_CONFIG:-}" ] || die "no PostgreSQL server with development files was found"
    fi
    export PG_CONFIG
    pgbin=$("$PG_CONFIG" --bindir)
    export PATH="$pgbin:$PATH"
}

# Build the given targets with all cores, for PG_CONFIG. The caller's make variables
# hold, but not its job server, which does not reach us.
build() {
    MAKEFLAGS=$(sed -E 's/(^| )-j[0-9]*//g; s/ --jobserver-[a-z]+=[^ ]*//g' <<<"${MAKEFLAGS:-}") \
        make -s --no-print-directory -C "$root" -j"$(nproc)" "$@" PG_CONFIG="$PG_CONFIG"
}

# Stage the extension below directory $1.
stage_extension() {
    env -u MAKEFLAGS make -s -C "$root/extension" install PG_CONFIG="$PG_CONFIG" DESTDIR="$1" \
        >/dev/null
}

# Run a command as the user that servers run as: nobody where the caller is root.
# That account owns no data, so a mistake in a test can do no harm with it.
unprivileged() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"
    else
        "$@"
    fi
}

# Make a private directory named for $1 and set $private to its path. The path is
# short, because the names of Unix sockets inside it may not pass 107 bytes.
make_private() {
    private=$(mktemp -d "/var/tmp/clickstream-$1.XXXXXX")
    mkdir "$private/home" "$private/tmp"
    if [ "$(id -u)" -eq 0 ]; then
        chown nobody:nogroup "$private" "$private/home" "$private/tmp"
    fi
}

# Print the ids of the server processes whose data directory lies below directory $1.
servers_in() {
    local link
    while IFS= read -r link; do
        case $(readlink "${link%cwd}exe") in */postgres) link=${link#/proc/}; say "${link%/cwd}" ;; esac
    done < <(find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1/*" 2>/dev/null)
}

# Stop every server whose data lies below directory $1, then remove the directory.
remove_private() {
    local pids
    [ -d "$1" ] || return 0
    cd /
    while mapfile -t pids < <(servers_in "$1") && [ "${#pids[@]}" -gt 0 ]; do
        kill -QUIT "${pids[@]}" 2>/dev/null || true
        sleep 0.1
    done
    rm -rf "$1"
}

# Under sudo, give what was built in the caller's tree to the caller.
give_back() {
    if [ "$(id -u)" -eq 0 ] && [ -n "${SUDO_UID:-}" ] &&
        [ "$(stat -c %u "$root")" = "$SUDO_UID" ]; then
        find "$root" -xdev -user root \( -type d -o -type f -links 1 \) \
            -exec chown --no-dereference --reference="$root" {} +
    fi
}
