#!/bin/sh
# The first process of Dovecot's container: accounts, keys, the settings that depend on the machine; then Dovecot.
set -eu
# shellcheck source=docker/access.sh
. /opt/mailgauge/access.sh

take_over vmail
make_access dovecot
password=$(cat /access/password)

umask 077
accounts | sed "s/\$/:{PLAIN}$password::::::/" >/run/users
chown dovecot: /run/users

# One session per mail process, as Dovecot does it, as long as there are enough inotify instances: each process needs one
# for IDLE, and polls every 30 s without.
instances=$(cat /proc/sys/fs/inotify/max_user_instances)
usable=$((instances * 3 / 4))
clients=$(((${CONNECTIONS:-400} + usable - 1) / usable))
umask 022
for service in imap pop3; do
    printf 'service %s {\n  client_limit = %s\n}\n' "$service" "$clients"
done >/run/machine.conf

chown vmail: /mail
chmod 700 /mail
exec dovecot -F -c /opt/mailgauge/dovecot.conf
