#!/bin/sh
# The first process of Courier's container: accounts, keys, Maildirs; then Courier's daemons, and mailgauge's own delivery
# beside them, as Courier's POP3 and IMAP packages bring none. When one of them ends, so does the container.
set -eu
# shellcheck source=docker/access.sh
. /opt/mailgauge/access.sh

take_over vmail
make_access courier
(
    umask 077
    cat /run/keys/server.key /run/keys/server.pem >/run/keys/both.pem
)
chown -R courier: /run/keys

# Each user's Maildir, with the folders that a person's devices use.
make_maildirs() {
    cd /mail
    accounts | while read -r user; do
        for folder in . .Sent .Drafts .Trash .Archive; do
            printf '%s\n' "$user/Maildir/$folder/cur" "$user/Maildir/$folder/new" "$user/Maildir/$folder/tmp"
        done
    done | xargs mkdir -p
    accounts | while read -r user; do
        for folder in Sent Drafts Trash Archive; do
            : >"$user/Maildir/.$folder/maildirfolder"
            echo "INBOX.$folder"
        done >"$user/Maildir/courierimapsubscribed"
    done
    chown -R vmail: /mail
    chmod 700 /mail
}

# Courier's user database: who there is, and their passwords. A line with a dot ends it.
make_users() {
    database=/usr/lib/courier/courier-authlib/makedatprog
    hash=$(tr -d '\n' </access/password | openssl dgst -md5 -binary | openssl base64)
    umask 077
    { accounts | sed "s|.*|&\tuid=$MAIL_UID\|gid=$MAIL_GID\|home=/mail/&\|mail=/mail/&/Maildir|"; echo .; } \
        | "$database" - /etc/courier/new.tmp /etc/courier/userdb.dat
    { accounts | sed "s|\$|\tsystempw={MD5}$hash|"; echo .; } \
        | "$database" - /etc/courier/new.tmp /etc/courier/userdbshadow.dat
    chown courier: /etc/courier/userdb.dat /etc/courier/userdbshadow.dat
}

(make_maildirs)
(make_users)
cp /opt/mailgauge/authdaemonrc /etc/courier/authdaemonrc
install -d -o courier -g courier /run/courier /run/courier/authdaemon
install -o courier -g courier -m 600 /dev/null /run/courier/tls-sessions

main=$$
daemon() {
    {
        "$@" </dev/null || true
        echo "$1 has ended" >&2
        kill -TERM "$main"
    } &
}
trap 'exit 0' TERM INT

daemon setpriv --reuid="$MAIL_UID" --regid="$MAIL_GID" --clear-groups \
    mailgauge maildir-delivery --address 0.0.0.0 --port 24 --mail /mail
daemon /usr/lib/courier/courier-authlib/authdaemond
until [ -S /run/courier/authdaemon/socket ]; do sleep 0.1; done

set -a
# shellcheck source=docker/courier/environment
. /opt/mailgauge/environment
set +a
listen() {
    daemon /usr/sbin/couriertcpd -address=0 -maxprocs=20000 -maxperip=20000 -listen=1024 -nodnslookup -noidentlookup \
        -stderr=/dev/null "$@"
}
imap() { listen "$@" /usr/lib/courier/courier/imaplogin /usr/bin/imapd Maildir; }
pop3() { listen "$@" /usr/lib/courier/courier/courierpop3login /usr/lib/courier/courier/courierpop3d Maildir; }

imap 143
pop3 110
# TLS from the first byte is a process of its own before the login, which then need not ask for it.
export IMAP_TLS=1 IMAP_STARTTLS=NO IMAP_TLS_REQUIRED=0
export POP3_TLS=1 POP3_STARTTLS=NO POP3_TLS_REQUIRED=0
imap 993 /usr/bin/couriertls -server -tcpd -user=courier
pop3 995 /usr/bin/couriertls -server -tcpd -user=courier
wait
