# Runs Courier in a mount and process namespace of its own, of which this shell is the first process. Courier's paths
# are compiled in: /usr, /etc and /run are therefore overlaid here, and stay as they are everywhere else. When the
# standard input ends (who started this stops it, or is gone) or a daemon ends, all ends.
set -eu
. ./settings

# Reachable for the server's account wherever it lies.
mount --bind "$PROGRAM" "$DIR/mailgauge"
if [ -n "$TREE" ]; then
    mount -t overlay overlay -o "lowerdir=$TREE/usr:/usr" /usr
fi
mount -t overlay overlay -o "lowerdir=$DIR/etc:/etc" /etc
mount --bind "$DIR/run" /run

# As the account that owns the mail; without root, that is who started this.
as_owner() {
    if [ "$AS_ROOT" = yes ]; then
        exec setpriv --reuid="$OWNER_UID" --regid="$OWNER_GID" --clear-groups "$@"
    else
        exec unshare --user --map-user="$OWNER_UID" --map-group="$OWNER_GID" "$@"
    fi
}

daemon() {
    {
        (as_owner "$@") </dev/null || true
        echo "$1 has ended" >&2
        kill -TERM 1
    } &
}

trap 'exit 0' TERM
exec 3<&0
{
    read -r _ <&3 || true
    kill -TERM 1
} &

daemon "$DIR/mailgauge" maildir-delivery --port "$LMTP_PORT" --mail "$DIR/mail"
export LD_LIBRARY_PATH=/usr/lib/courier-authlib
daemon /usr/lib/courier/courier-authlib/authdaemond
until [ -S /run/courier/authdaemon/socket ]; do sleep 0.01; done

tcpd() {
    daemon /usr/sbin/couriertcpd -address=127.0.0.1 -maxprocs="$CONNECTIONS" -maxperip="$CONNECTIONS" \
        -listen=1024 -nodnslookup -noidentlookup -stderr=/dev/null "$@"
}

set -a
. ./environment
set +a
# Unquoted on purpose: no word at all, or a command with its options. shellcheck disable=SC2086
tcpd "$IMAP_PORT" $TLS_WRAPPER /usr/lib/courier/courier/imaplogin /usr/bin/imapd Maildir
tcpd "$POP3_PORT" $TLS_WRAPPER /usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir
wait
