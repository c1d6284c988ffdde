#!/usr/bin/env bash
# Everything that must hold before a change lands: format, lints, all tests, the README's commands.
# Installs what the tests need (see setup.sh). A test that cannot run here says `skipped` and why.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

step "setup"
scripts/setup.sh

step "format"
cargo fmt --all --check

step "lints"
cargo clippy --quiet --all-targets --locked -- -D warnings

step "tests"
# Tests that cannot run here write a line to this file, for a runner hides what passing tests print.
MAILGAUGE_SKIPPED=$(mktemp)
export MAILGAUGE_SKIPPED
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --lib --bins --tests --no-fail-fast
else
    cargo test --locked --lib --bins --tests
fi
if [ -s "$MAILGAUGE_SKIPPED" ]; then
    sort -u "$MAILGAUGE_SKIPPED"
fi
rm -f "$MAILGAUGE_SKIPPED"

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --locked
cargo test --quiet --doc --locked
