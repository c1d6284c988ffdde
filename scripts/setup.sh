#!/usr/bin/env bash
# Installs what the tests need beyond Rust: real mail servers, Python and linters, Debian packages by name. Does nothing when
# everything is there. What cannot be had it names and goes on: a test that cannot run then prints `skipped` and why.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
[ -e /usr/lib/dovecot/imap ] || missing+=(dovecot-imapd)
[ -e /usr/lib/dovecot/pop3 ] || missing+=(dovecot-pop3d)
[ -e /usr/lib/dovecot/lmtp ] || missing+=(dovecot-lmtpd)
command -v python3 >/dev/null || missing+=(python3)
command -v cc >/dev/null || missing+=(gcc libc6-dev)
command -v shellcheck >/dev/null || missing+=(shellcheck)
# It reads docker-compose.yml without an engine.
docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || missing+=(docker-compose)
command -v tshark >/dev/null || missing+=(tshark)
command -v tc >/dev/null || missing+=(iproute2)
command -v chromium >/dev/null || command -v google-chrome >/dev/null || missing+=(chromium)

install_missing() {
    export DEBIAN_FRONTEND=noninteractive
    # A package that starts its daemon on install would listen on the standard ports: refuse that, if nobody decided yet.
    local policy=/usr/sbin/policy-rc.d log attempt
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    log=$(mktemp)
    for attempt in 1 2 3; do
        if { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
            echo "setup: installed ${missing[*]}"
            rm -f "$log"
            return
        fi
        echo "setup: attempt $attempt to install ${missing[*]} failed" >&2
        sleep $((attempt * 5))
    done
    cat "$log" >&2
    exit 1
}

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        install_missing
    else
        echo "setup: not installed: ${missing[*]} (as root on Debian: apt-get install ${missing[*]})" >&2
    fi
fi

# The checker of scripts/check-report.sh: one file of a package that nothing else needs, of a fixed version.
axe=${XDG_CACHE_HOME:-$HOME/.cache}/mailgauge/axe
if [ ! -r "$axe/package/axe.min.js" ]; then
    mkdir -p "$axe"
    if ! (cd "$axe" && npm pack --silent axe-core@4.14.1 >/dev/null && tar xzf axe-core-4.14.1.tgz package/axe.min.js) 2>/dev/null; then
        echo "setup: axe-core cannot be fetched (npm): the test of the report's page in a browser will be skipped" >&2
    fi
fi

# Cyrus and Courier cannot be installed beside Dovecot, so they are only unpacked.
scripts/fetch-servers.sh cyrus courier || echo "setup: the tests of Cyrus and Courier will be skipped" >&2
