# shellcheck shell=sh
# Sourced by the start of each server's container. Makes, anew at each start, what a server and its clients share: the
# password of all accounts and the authority that signs the server's certificate, in /access, which mailgauge's container
# mounts too; and the server's own key, in /run/keys, which nobody else sees.
set -eu

# Owns the mail: the number that mailgauge runs as, so that it may look at how large the mail is.
MAIL_UID=${MAIL_UID:-1000}
MAIL_GID=${MAIL_GID:-1000}
# u0001, u0002 and so on, as the target files have them.
ACCOUNTS=${ACCOUNTS:-1000}

if [ "$MAIL_UID" -eq 0 ] || [ "$MAIL_GID" -eq 0 ]; then
    echo "mail is not root's: let mailgauge run as an ordinary user (MAILGAUGE_UID and MAILGAUGE_GID)" >&2
    exit 1
fi

# take_over ACCOUNT: gives the account the numbers of the mail's owner.
take_over() {
    [ "$(id -u "$1"):$(id -g "$1")" != "$MAIL_UID:$MAIL_GID" ] || return 0
    groupmod --non-unique --gid "$MAIL_GID" "$(id -gn "$1")"
    usermod --non-unique --uid "$MAIL_UID" --gid "$MAIL_GID" "$1"
}

accounts() { seq -f 'u%04g' 1 "$ACCOUNTS"; }

# Random, and of letters and digits only, so that it needs no quoting anywhere.
new_password() { openssl rand -hex 16; }

# make_access SERVER: afterwards the password is in /access/password, the authority in /access/ca.pem, the server's key
# and certificate in /run/keys/server.key and server.pem.
make_access() {
    mkdir -p /run/keys
    chmod 700 /run/keys
    work=$(mktemp -d)
    (
        umask 077
        cd "$work"
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=mailgauge's authority for $1" \
            -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign \
            -keyout ca.key -out ca.pem
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -keyout server.key -out request.pem
        printf 'subjectAltName=DNS:%s,DNS:localhost\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$1" >extensions
        openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile extensions -out server.pem
        new_password >password
    ) 2>"$work/log" || { cat "$work/log" >&2; exit 1; }
    mv "$work/server.key" "$work/server.pem" /run/keys/
    chown "$MAIL_UID:$MAIL_GID" "$work/password" "$work/ca.pem"
    mv "$work/password" "$work/ca.pem" /access/
    # With it goes the authority's key: it signs nothing else.
    rm -rf "$work"
}
