#!/usr/bin/env bash
# Unpacks mail servers that Debian does not install beside Dovecot or each other: fetch-servers.sh cyrus courier
# Nothing is installed and no root is needed. They go to $MAILGAUGE_SERVERS; else, for root, to
# /var/cache/mailgauge/servers (the unprivileged account that runs a server must be able to read it), and for anybody
# else to ~/.cache/mailgauge/servers. What is there already is left alone; delete its folder to fetch it anew.
set -euo pipefail
umask 022

say() { echo "fetch-servers: $*" >&2; }

if [ -n "${MAILGAUGE_SERVERS:-}" ]; then
    servers=$MAILGAUGE_SERVERS
elif [ "$(id -u)" = 0 ]; then
    servers=/var/cache/mailgauge/servers
else
    servers=${XDG_CACHE_HOME:-$HOME/.cache}/mailgauge/servers
fi

# The packages of a server; the first one gives the version. Libraries are found by `libraries`.
packages() {
    case $1 in
    cyrus) echo cyrus-imapd cyrus-pop3d cyrus-common db5.3-util libsasl2-modules libsasl2-modules-db libeatmydata1 ;;
    courier) echo courier-imap courier-pop courier-base courier-authlib courier-authdaemon courier-authlib-userdb gamin libgamin0 ;;
    *) return 1 ;;
    esac
}

# The libraries that the given packages depend on and that this machine lacks, of alternatives the first.
libraries() {
    local round=("$@") next seen=" $* " library
    while [ ${#round[@]} -gt 0 ]; do
        next=()
        while read -r library; do
            case $seen in *" $library "*) continue ;; esac
            seen+="$library "
            # Only Cyrus's virus scanner links libclamav.
            case $library in libclamav*) continue ;; esac
            if dpkg-query -W -f '${db:Status-Status}\n' "$library" 2>/dev/null | grep -qx installed; then
                continue
            fi
            echo "$library"
            next+=("$library")
        done < <(apt-cache depends --important "${round[@]}" | awk '
            other { other = 0; next }
            $1 == "|Depends:" { other = 1 }
            $1 ~ /Depends:$/ && $2 ~ /^lib/ { print $2 }')
        round=("${next[@]}")
    done
}

download() {
    local sandbox=()
    [ "$(id -u)" != 0 ] || sandbox=(-o APT::Sandbox::User=root)
    apt-get download -q "${sandbox[@]}" "$@" >"$work/log" 2>&1 </dev/null
}

# Fetches the packages of $1 into $work/debs, three times at most.
fetch() {
    local wanted attempt
    read -ra wanted < <(packages "$1")
    for attempt in 1 2 3; do
        if mapfile -t found < <(libraries "${wanted[@]}" 2>"$work/log") && (cd "$work/debs" && download "${wanted[@]}" "${found[@]}"); then
            return 0
        fi
        say "attempt $attempt to download $1 failed: $(grep -E '^(E|N):' "$work/log" | head -n 1)"
        # Perhaps the package lists are missing or old, which only root can mend.
        [ "$(id -u)" != 0 ] || apt-get update -qq >"$work/log" 2>&1 </dev/null || true
        sleep $((attempt * 2))
    done
    say "$1 could not be downloaded; are the package lists there and recent (as root: apt-get update)?"
    return 1
}

# Unpacks $1 beside its place and moves it there whole.
install_server() {
    local name=$1 version tree deb first
    for tree in "$servers/$name"-*; do
        if [ -d "$tree/usr" ]; then
            return 0
        fi
    done
    mkdir -p "$servers"
    work=$(mktemp -d "$servers/.unpacking-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/debs" "$work/tree"
    fetch "$name"
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/tree"
    done
    # Older packages still put libraries into /lib, which is /usr/lib today.
    if [ -d "$work/tree/lib" ]; then
        cp -a "$work/tree/lib/." "$work/tree/usr/lib/"
        rm -rf "$work/tree/lib"
    fi
    rm -rf "$work/tree/usr/share/doc" "$work/tree/usr/share/man" "$work/tree/var" "$work/tree/run"
    chmod -R u+rwX,go+rX,go-w "$work/tree"
    read -r first _ < <(packages "$name")
    version=$(dpkg-deb -f "$(ls "$work/debs/${first}_"*.deb)" Version | tr ':' '_')
    # Somebody else may have been quicker, with the same result.
    mv -T "$work/tree" "$servers/$name-$version" 2>/dev/null || [ -d "$servers/$name-$version/usr" ]
    rm -rf "$work"
    trap - EXIT
    say "unpacked $name $version into $servers"
}

if [ $# -eq 0 ]; then
    say "say which: fetch-servers.sh cyrus courier"
    exit 2
fi
for name; do
    packages "$name" >/dev/null || { say "there is no recipe for \`$name\`: cyrus and courier are known"; exit 2; }
done
for tool in apt-get apt-cache dpkg-deb; do
    command -v "$tool" >/dev/null || { say "$tool is missing: this works on Debian and its kin only"; exit 1; }
done
for name; do
    install_server "$name"
done
