#!/bin/sh
# The first process of Cyrus's container: accounts, keys, empty folders; then Cyrus.
set -eu
# shellcheck source=docker/access.sh
. /opt/mailgauge/access.sh

take_over cyrus
make_access cyrus
password=$(cat /access/password)

# Mail is of no use without its index, nor the other way round: both begin empty.
state=/var/lib/cyrus/mailgauge
rm -rf "$state"
find /mail -mindepth 1 -delete
# Without conf/socket IDLE would poll; without proc no session would be counted. Two deliveries that both find no stage.
# both make it, and for the slower one lmtpd fails an assertion (3.6.1).
mkdir -p /mail/stage. "$state/conf/socket" "$state/proc" "$state/lock" "$state/sieve"

# Keys and values in turn, as Cyrus SASL has them: saslpasswd2 takes 6 ms for each user.
(
    umask 077
    accounts | sed "s/\$/\\\\00localhost\\\\00userPassword\\n$password/" | db5.3_load -T -t hash "$state/sasldb2"
)
chown -R cyrus: /var/lib/cyrus /run/keys /mail
chmod 700 /mail

exec eatmydata /usr/lib/cyrus/bin/master -C /opt/mailgauge/imapd.conf -M /opt/mailgauge/cyrus.conf -p "$state/master.pid" -l 1024
