#!/usr/bin/env bash
# Tries docker-compose.yml for real: builds the images, looks through them for secrets, and lets mailgauge measure each
# server. Arguments say which ones; without any it is dovecot, cyrus and courier. It takes from five minutes to half an
# hour, most of it for a release build.
#
# It uses the engine that runs here, or starts one for itself (as root, with Debian's docker.io, docker-compose and
# debootstrap) and leaves nothing of that behind. MAILGAUGE_DOCKER_DATA names a folder that then keeps the engine's
# images between tries.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/docker-engine.sh
. scripts/docker-engine.sh

servers=("$@")
[ ${#servers[@]} -gt 0 ] || servers=(dovecot cyrus courier)
# A run that other work on this machine made invalid (exit code 5) is tried again, so often in all.
attempts=3

step() { printf '\n== %s\n' "$*"; }
fail() { echo "test-docker: $*" >&2; exit 1; }
skip() { echo "skipped: the containers: $*"; exit 0; }

# ---- What is there to work with

if docker compose version >/dev/null 2>&1; then
    composer=(docker compose)
elif command -v docker-compose >/dev/null; then
    composer=(docker-compose)
else
    skip "neither \`docker compose\` nor \`docker-compose\` is installed"
fi
own_engine=no
if ! docker info >/dev/null 2>&1; then
    own_engine=yes
    [ "$(id -u)" = 0 ] || skip "no engine answers, and only root can start one"
    for tool in dockerd debootstrap unshare; do
        command -v "$tool" >/dev/null || skip "no engine answers, and $tool, to start one, is not installed"
    done
fi

# The file's own defaults are tried.
unset SERVER_CPUSET SERVER_CPUS SERVER_MEMORY MAILGAUGE_CPUSET MAILGAUGE_SCENARIO MAILGAUGE_USERS
project=mailgauge-try-$$
work=$(mktemp -d)
export MAILGAUGE_RESULTS=$work/results MAILGAUGE_UID MAILGAUGE_GID
mkdir "$MAILGAUGE_RESULTS"
MAILGAUGE_UID=$(id -u) MAILGAUGE_GID=$(id -g)
if [ "$MAILGAUGE_UID" = 0 ]; then
    MAILGAUGE_UID=1000 MAILGAUGE_GID=1000
    chmod 755 "$work"
    chown "$MAILGAUGE_UID:$MAILGAUGE_GID" "$MAILGAUGE_RESULTS"
fi
export COMPOSE_HTTP_TIMEOUT=600

# Of the services without a profile, as a user has it.
compose_default() {
    "${composer[@]}" --project-name "$project" --file docker-compose.yml --file "$work/override.yml" --project-directory . "$@"
}

# Of all services.
compose() { compose_default --profile cyrus --profile courier "$@"; }

finish() {
    local code=$?
    trap - EXIT
    compose down --volumes --remove-orphans >"$work/down.log" 2>&1 || cat "$work/down.log" >&2
    if [ -n "${engine:-}" ]; then
        engine_stop && echo "nothing is left of the engine" || code=1
    fi
    rm -rf "$work"
    exit "$code"
}

# ---- What the machine needs to reach its registries; it goes into no file of the project and no final image

# Build arguments for the service $1, as YAML.
arguments() {
    local name authorities
    for name in http_proxy https_proxy no_proxy; do
        [ -z "${!name:-}" ] || printf '        %s: "%s"\n' "$name" "${!name}"
    done
    case $1 in mailgauge | mailgauge-cyrus | mailgauge-courier | courier)
        authorities=$(cat /usr/local/share/ca-certificates/*.crt 2>/dev/null | awk '{ print "          " $0 }') || true
        [ -z "$authorities" ] || printf '        EXTRA_CA: |-\n%s\n' "$authorities"
        ;;
    esac
}

# What is added to the services' builds.
override() {
    local service text
    echo "services:"
    for service in mailgauge mailgauge-cyrus mailgauge-courier dovecot cyrus courier; do
        text=$(arguments "$service")
        printf '  %s:\n    build:\n      context: .\n' "$service"
        [ "$own_engine" = no ] || echo "      network: host"
        [ -z "$text" ] || printf '      args:\n%s\n' "$text"
    done
}
override >"$work/override.yml"
trap finish EXIT
trap 'exit 130' INT TERM

# ---- Lint

step "lint"
compose config --quiet
if command -v shellcheck >/dev/null; then
    shellcheck -x scripts/*.sh docker/*.sh docker/*/*.sh
else
    echo "skipped: shellcheck is not installed"
fi

# ---- Images

if [ "$own_engine" = yes ]; then
    step "an engine of our own"
    engine_start "$work/engine"
    engine_images "$work"
fi

step "build"
built=()
for server in "${servers[@]}"; do
    case $server in
    dovecot) built+=(mailgauge dovecot) ;;
    cyrus | courier) built+=("mailgauge-$server" "$server") ;;
    *) fail "there is no server \`$server\`: dovecot, cyrus and courier are known" ;;
    esac
done
compose build "${built[@]}" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; fail "the build failed"; }

step "images"
for server in "${servers[@]}"; do
    for image in mailgauge "mailgauge-$server"; do
        # The names of what a library can read are no keys: a key begins a line.
        keys=$(docker run --rm --network none --user 0 --entrypoint grep "$image" -rlE '^-----BEGIN [A-Z ]*PRIVATE KEY-----$' \
            /etc /home /mail /mailgauge /opt /root /srv /tmp /usr/local /var 2>/dev/null) || true
        [ -z "$keys" ] || fail "there are keys in the image $image: $keys"
        if docker history --no-trunc "$image" | grep -qE 'CERTIFICATE|password='; then
            fail "the history of the image $image holds what only the build needed"
        fi
    done
done
user=$(docker image inspect --format '{{.Config.User}}' mailgauge)
case $user in "" | 0 | root) fail "the image mailgauge runs as root" ;; esac
docker images --format '{{.Repository}}	{{.Size}}' | grep '^mailgauge' | sort -u

# ---- Runs

[ "$own_engine" = no ] || engine_first

# The service that measures the server $1.
runner() { [ "$1" = dovecot ] && echo mailgauge || echo "mailgauge-$1"; }

# Lets it run to its end, with Dovecot as a plain `docker compose up` does.
measure() {
    local runner container
    runner=$(runner "$1")
    if [ "$1" = dovecot ]; then
        compose_default up --no-build --detach
    else
        compose up --no-build --detach "$runner"
    fi >"$work/up.log" 2>&1 || { cat "$work/up.log" >&2; fail "$1 did not come up"; }
    container=$(compose ps --all --quiet "$runner")
    code=$(docker wait "$container")
    docker logs "$container" >"$work/table" 2>"$work/messages"
}

# What a column of server.csv of the newest run holds, of its last line.
last() { awk -F, -v name="$1" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i } END { print $column }' "$run/server.csv"; }

# The CPU time of the container $1, µs, by its own account.
cpu_us() {
    docker exec "$1" sh -c '
        awk "/^usage_usec/ { print \$2; found = 1 } END { exit !found }" /sys/fs/cgroup/cpu.stat 2>/dev/null && exit
        echo $(($(cat /sys/fs/cgroup/cpuacct/cpuacct.usage) / 1000))'
}

check_run() {
    local server=$1 container state sources seen_us counted_us
    run=$MAILGAUGE_RESULTS/latest
    [ -s "$run/verdict.json" ] || fail "$server: the run left no verdict"
    [ "$(stat -L -c %u:%g "$run/verdict.json")" = "$MAILGAUGE_UID:$MAILGAUGE_GID" ] || fail "$server: the results are somebody else's"
    container=$(compose ps --quiet "$server")
    state=$(docker inspect --format '{{.State.Health.Status}} {{.HostConfig.CpusetCpus}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}' "$container")
    [ "$state" = "healthy 0 1000000000 1073741824" ] || fail "$server: health, processors and limits are: $state"
    sources=$(tail -n +2 "$run/server.csv" | cut -d, -f5 | sort -u)
    [ "$sources" = cgroup ] || fail "$server: its resources were read from: $sources"
    # mailgauge read the group last before the end of the run, we a little later: after that it only took mail away.
    counted_us=$(cpu_us "$container")
    seen_us=$(($(last cpu_user_us) + $(last cpu_system_us)))
    if [ "$seen_us" -le 0 ] || [ "$seen_us" -gt "$counted_us" ] || [ "$seen_us" -lt $((counted_us / 2)) ]; then
        fail "$server: mailgauge saw $seen_us µs of CPU time, the container counts $counted_us"
    fi
    [ "$(last rss_bytes)" -gt 1000000 ] || fail "$server: no memory was seen"
    [ "$(last storage_files)" -gt 0 ] || fail "$server: no mail was seen"
    # The claims of the text, from P1 on, are no rows: some need other scenarios, or several servers.
    ! sed '/^ P1 /q' "$work/table" | grep -q "not measured" || fail "$server: not all rows of the table were measured"
    echo "$server: $state; CPU time $seen_us µs, by the container's own account $counted_us µs"
}

for server in "${servers[@]}"; do
    step "$server"
    for attempt in $(seq "$attempts"); do
        measure "$server"
        [ "$code" = 5 ] || break
        grep '^✗' -A 1 "$work/table" || true
        echo "$server: the run is invalid, attempt $attempt"
    done
    cat "$work/table"
    [ "$code" = 0 ] || { tail -n 20 "$work/messages" >&2; fail "$server: mailgauge ended with $code"; }
    check_run "$server"
    compose down --volumes >/dev/null 2>&1
done
