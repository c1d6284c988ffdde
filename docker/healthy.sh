#!/bin/sh
# Whether the server in this container is ready: it listens on every port, and with the password a user can log in by IMAP
# and by POP3, over TLS with a certificate that the server's authority signed. What a check costs counts as the server's, so
# after the first that succeeded only the ports are looked at.
set -eu

# /proc/net has ports in hexadecimal; 0A is the state of listening.
missing=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk '
    BEGIN { port["0018"] = 24; port["006E"] = 110; port["008F"] = 143; port["03E1"] = 993; port["03E3"] = 995 }
    $4 == "0A" { sub(/.*:/, "", $2); delete port[$2] }
    END { for (hex in port) list = list " " port[hex]; print list }')
if [ -n "$missing" ]; then
    echo "nothing listens on port$missing"
    exit 1
fi
[ ! -e /run/seen-healthy ] || exit 0

# PORT LINE...: what the server answers to these lines. One at a time: Courier forgets what was sent along with the login.
say() {
    port=$1
    shift
    for line; do
        printf '%s\r\n' "$line"
        sleep 1
    done \
        | timeout 8 openssl s_client -quiet -verify_quiet -verify_return_error -CAfile /access/ca.pem \
            -verify_hostname "$(hostname)" -servername "$(hostname)" -connect "localhost:$port" 2>&1
}

password=$(cat /access/password)
say 993 "a LOGIN u0001 $password" "b LOGOUT" | grep '^a OK' >/dev/null || { echo "IMAP lets nobody in"; exit 1; }
# The greeting, and a reply to each line.
say 995 "USER u0001" "PASS $password" "QUIT" | grep -c '^+OK' | grep -x 4 >/dev/null || { echo "POP3 lets nobody in"; exit 1; }
touch /run/seen-healthy
