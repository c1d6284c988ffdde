# The images of mailgauge and, as it needs mailgauge's binary for delivery, of Courier. docker-compose.yml builds both;
# the README says how to use them.

# ---- the binary
FROM rust:1-bookworm AS build
WORKDIR /build

# What the final image trusts when it measures a public server, before anything is added to it.
RUN cp /etc/ssl/certs/ca-certificates.crt /roots.pem

# PEM of authorities that the package registry's certificate is signed by where the image's own are not enough, as
# behind a proxy that looks into TLS. Nothing of it leaves this stage.
ARG EXTRA_CA=""
RUN if [ -n "$EXTRA_CA" ]; then printf '%s\n' "$EXTRA_CA" >>/etc/ssl/certs/ca-certificates.crt; fi

# A layer for the dependencies, made again only when they change: Cargo wants to see every target that the manifest names.
COPY Cargo.toml Cargo.lock ./
RUN mkdir -p src tests/it benches \
    && echo 'fn main() {}' \
        | tee src/main.rs tests/it/main.rs $(sed -n '/^\[\[bench\]\]/ { n; s,^name = "\(.*\)",benches/\1.rs,p }' Cargo.toml) >/dev/null \
    && touch src/lib.rs \
    && cargo build --release --locked

COPY src src
COPY assets assets
COPY scenarios scenarios
# Debug information is for developers. Cargo goes by time stamps, and those that came with COPY may be older than the stand-ins'.
RUN touch src/main.rs src/lib.rs \
    && cargo build --release --locked \
    && strip --strip-debug -o /mailgauge target/release/mailgauge

# ---- Courier
FROM debian:bookworm-slim AS courier
# The packages make keys at installation: each container makes its own at its start.
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        courier-authlib-userdb courier-imap courier-pop gamin openssl \
    && rm -rf /etc/courier/imapd.pem /etc/courier/pop3d.pem /etc/ssl/private/* \
        /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log \
    && useradd --uid 1000 --no-create-home --home-dir /mail vmail
COPY --from=build /mailgauge /usr/local/bin/mailgauge
COPY docker/access.sh docker/healthy.sh docker/courier/ /opt/mailgauge/
VOLUME ["/access", "/mail"]
EXPOSE 24 110 143 993 995
CMD ["/opt/mailgauge/start.sh"]

# ---- mailgauge, the default
FROM debian:bookworm-slim AS mailgauge
COPY --from=build /roots.pem /etc/ssl/certs/ca-certificates.crt
COPY --from=build /mailgauge /usr/local/bin/mailgauge
RUN useradd --uid 1000 --no-create-home --home-dir /mailgauge mailgauge && install -d -o mailgauge -g mailgauge /mailgauge/results
WORKDIR /mailgauge
USER mailgauge
VOLUME ["/mailgauge/results"]
ENTRYPOINT ["mailgauge"]
CMD ["compare"]
