# An engine of one's own for a try, to be sourced. It needs root and Debian's docker.io; nothing of it outlives the try.
# shellcheck shell=bash
#
# engine_start DIR     starts one below the new folder DIR and says where in DOCKER_HOST. Its images are in DIR too, or in the
#                      folder that MAILGAUGE_DOCKER_DATA names, where they stay.
# engine_images DIR    provides the Dockerfiles' base images where no registry can be reached; DIR is for its work.
# engine_first         lets its containers go before other work on this machine, which would be measured along with them.
# engine_stop          ends it, removes what it made, and fails if something is left.
#
# It shares nothing with an engine that may run already: its own data, socket, process numbers, mounts and control
# groups. It makes no bridge and no rule of a firewall: images are built in the machine's network, and containers reach
# each other through networks of compose, which go with `down`.

engine_start() {
    engine_dir=$1
    engine_group=mailgauge-engine-$$
    mkdir -p "$engine_dir/exec" "$engine_dir/config" "$engine_dir/run"
    echo "{}" >"$engine_dir/config/daemon.json"
    # It would leave a key in the first and folders in the second, so it gets its own to see in their place.
    engine_places=""
    for place in /etc/docker /run/docker; do
        [ -d "$place" ] || { mkdir "$place" && engine_places="$engine_places $place"; }
    done
    # When the first process ends, so do all the others.
    # shellcheck disable=SC2016 # the inner shell expands
    unshare --mount --pid --fork --kill-child --mount-proc --propagation private sh -c '
        mount --bind "$1" /etc/docker
        mount --bind "$2" /run/docker
        shift 2
        exec dockerd "$@"' sh "$engine_dir/config" "$engine_dir/run" \
        --data-root "${MAILGAUGE_DOCKER_DATA:-$engine_dir/data}" --exec-root "$engine_dir/exec" --pidfile "$engine_dir/pid" \
        --host "unix://$engine_dir/socket" --config-file "$engine_dir/config/daemon.json" --group "$(id -gn)" \
        --cgroup-parent "/$engine_group" \
        --bridge none --iptables=false --ip-forward=false --ip-masq=false \
        >"$engine_dir/log" 2>&1 </dev/null &
    engine=$!
    export DOCKER_HOST=unix://$engine_dir/socket
    for _ in $(seq 300); do
        docker version >/dev/null 2>&1 && return
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$engine_dir/log" >&2
    return 1
}

engine_first() {
    # Version 1 and version 2 of control groups; a machine has one of them.
    { echo 10000 >"/sys/fs/cgroup/cpu/$engine_group/cpu.shares"; } 2>/dev/null \
        || { echo 1000 >"/sys/fs/cgroup/$engine_group/cpu.weight"; } 2>/dev/null || true
}

engine_stop() {
    local daemon left
    # SIGTERM is for dockerd, which ends in order; its parent, `unshare`, follows.
    daemon=$(cat "/proc/$engine/task/$engine/children" 2>/dev/null) || daemon=
    # shellcheck disable=SC2086 # one number, or none
    kill -TERM ${daemon:-$engine} 2>/dev/null || true
    for _ in $(seq 300); do
        kill -0 "$engine" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    # shellcheck disable=SC2086 # words
    [ -z "$engine_places" ] || rmdir $engine_places || true
    find /sys/fs/cgroup -depth -type d -path "*/$engine_group*" -exec rmdir {} \; 2>/dev/null || true
    rm -rf "$engine_dir"
    left=$(
        find /sys/fs/cgroup -type d -name "$engine_group" 2>/dev/null
        grep -F " $engine_dir" /proc/mounts || true
        pgrep -a -f "$engine_dir" || true
        find "$engine_dir" -maxdepth 1 2>/dev/null
    )
    if [ -n "$left" ]; then
        engine_say "something is left of the engine: $left"
        return 1
    fi
}

# Pulls what the Dockerfiles name, and makes what cannot be pulled from this machine's own packages and toolchain.
engine_images() {
    local tree=$1/tree part toolchain
    if ! engine_has debian:bookworm-slim; then
        engine_say "no registry can be reached: making debian:bookworm-slim with debootstrap"
        engine_tree "$tree" ""
        engine_import "$tree" debian:bookworm-slim bash
    fi
    if ! engine_has rust:1-bookworm; then
        engine_say "no registry can be reached: making rust:1-bookworm with this machine's toolchain"
        engine_tree "$tree" ca-certificates,gcc,libc6-dev
        toolchain=$(rustc --print sysroot)
        for part in bin lib; do
            cp -a "$toolchain/$part/." "$tree/usr/local/$part/"
        done
        engine_import "$tree" rust:1-bookworm bash
    fi
}

engine_say() { echo "docker-engine: $*" >&2; }

engine_has() {
    docker image inspect "$1" >/dev/null 2>&1 || timeout 60 docker pull -q "$1" >/dev/null 2>&1
}

# A Debian in the folder $1, with the packages $2, from where this machine has its own.
engine_tree() {
    local mirror
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/debian.sources 2>/dev/null \
        | grep -v '^ *#' | grep -oE 'https?://[^ ]+/debian/?( |$)' | head -n 1 | tr -d ' ') || true
    rm -rf "$1"
    debootstrap --variant=minbase ${2:+--include="$2"} bookworm "$1" ${mirror:+"$mirror"} >"$1.log" 2>&1 \
        || { tail -n 5 "$1.log" >&2; return 1; }
    rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
}

engine_import() {
    tar -C "$1" --numeric-owner -c . | docker import --change "CMD [\"$3\"]" - "$2" >/dev/null
    rm -rf "$1"
}
