//! Logins by every SASL mechanism: by the examples of the RFCs against servers that follow a script, and for real
//! against Dovecot.

use std::time::{Duration, Instant};

use mailgauge::client::{ClientError, ImapSession, Login, LoginMethod, OpenError, PopSession};
use mailgauge::metrics::ErrorClass;
use mailgauge::net::{Address, TimeLimits};
use mailgauge::proto::sasl::{base64, unbase64};
use mailgauge::scenario::{Protocol, TlsMode};
use mailgauge::target::{Instance, Request, Target};

use crate::fake::{self, Ear, Peer};
use crate::support::skipped;

const USER: &str = "u0001";
const PASSWORD: &str = "correct horse";
const TOKEN: &str = "ya29.token-of-a-bearer";
const REFUSED_TOKEN: &str = r#"{"status":"invalid_token","scope":"mail"}"#;
const PROTOCOLS: [Protocol; 2] = [Protocol::Pop3, Protocol::Imap];

fn login(method: LoginMethod) -> Login {
    let secret = if method.takes_token() {
        TOKEN
    } else {
        PASSWORD
    };
    Login {
        method,
        ..Login::new(USER, secret)
    }
}

/// The server's side of a login over either protocol.
struct Server {
    peer: Peer,
    protocol: Protocol,
}

impl Server {
    /// Greets with what it offers, and takes the command. What the client sent along, if it did.
    async fn begin(&mut self, mechanism: &str, initial: bool) -> Option<String> {
        let line = match self.protocol {
            Protocol::Pop3 => {
                self.peer.say("+OK ready\r\n").await;
                let capa = format!("+OK\r\nUSER\r\nSASL {mechanism}\r\n.\r\n");
                self.peer.play(&[("CAPA", &capa)]).await;
                let line = self.peer.line().await;
                line.strip_prefix("AUTH ").unwrap().to_owned()
            }
            Protocol::Imap => {
                let ir = if initial { " SASL-IR" } else { "" };
                let greeting = format!("* OK [CAPABILITY IMAP4rev1 AUTH={mechanism}{ir}] hi\r\n");
                self.peer.say(greeting).await;
                let line = self.peer.line().await;
                line.strip_prefix("m1 AUTHENTICATE ").unwrap().to_owned()
            }
        };
        let rest = line.strip_prefix(mechanism).unwrap();
        rest.strip_prefix(' ').map(decoded)
    }

    async fn ask(&mut self, challenge: &str) -> String {
        let challenge = base64(challenge.as_bytes());
        self.peer.say(format!("+ {challenge}\r\n")).await;
        let line = self.peer.line().await;
        if line == "*" { line } else { decoded(&line) }
    }

    async fn end(mut self, verdict: Result<&str, &str>) {
        let line = match (self.protocol, verdict) {
            (Protocol::Pop3, Ok(words)) => format!("+OK {words}\r\n"),
            (Protocol::Pop3, Err(words)) => format!("-ERR [AUTH] {words}\r\n"),
            (Protocol::Imap, Ok(words)) => format!("m1 OK [CAPABILITY IMAP4rev1] {words}\r\n"),
            (Protocol::Imap, Err(words)) => format!("m1 NO [AUTHENTICATIONFAILED] {words}\r\n"),
        };
        self.peer.say(line).await;
        self.peer.linger().await;
    }
}

fn decoded(text: &str) -> String {
    String::from_utf8(unbase64(text.as_bytes()).unwrap()).unwrap()
}

async fn open(protocol: Protocol, address: &Address, login: &Login) -> Result<(), ClientError> {
    open_by(&fake::dialer(), protocol, address, TlsMode::Plain, login)
        .await
        .map_err(|failed| failed.error)
}

async fn open_by(
    dialer: &mailgauge::net::Dialer,
    protocol: Protocol,
    address: &Address,
    tls: TlsMode,
    login: &Login,
) -> Result<(), OpenError> {
    let (due, ear) = (Instant::now(), Ear::default());
    match protocol {
        Protocol::Pop3 => PopSession::open(dialer, address, tls, login, due, ear)
            .await
            .map(drop),
        Protocol::Imap => ImapSession::open(dialer, address, tls, login, due, ear)
            .await
            .map(drop),
    }
}

#[tokio::test]
async fn login_says_user_and_password_as_it_is_asked() {
    for protocol in PROTOCOLS {
        let (address, task) = fake::server(move |peer: Peer| async move {
            let mut server = Server { peer, protocol };
            assert_eq!(server.begin("LOGIN", true).await, None);
            assert_eq!(server.ask("Username:").await, USER);
            assert_eq!(server.ask("Password:").await, PASSWORD);
            server.end(Ok("in")).await;
        })
        .await;
        open(protocol, &address, &login(LoginMethod::SaslLogin))
            .await
            .unwrap();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn cram_md5_answers_the_challenge_and_does_not_send_the_password() {
    for protocol in PROTOCOLS {
        let (address, task) = fake::server(move |peer: Peer| async move {
            let mut server = Server { peer, protocol };
            assert_eq!(server.begin("CRAM-MD5", true).await, None);
            let answer = server
                .ask("<1896.697170952@postoffice.reston.mci.net>")
                .await;
            assert_eq!(answer, "tim b913a602c7eda7a495b4e6e7334d3890");
            server.end(Ok("in")).await;
        })
        .await;
        let login = Login {
            method: LoginMethod::CramMd5,
            ..Login::new("tim", "tanstaaftanstaaf")
        };
        open(protocol, &address, &login).await.unwrap();
        task.await.unwrap();
    }
}

#[tokio::test]
async fn tokens_are_sent_with_the_command_or_when_they_are_asked_for() {
    for (method, mechanism, said) in [
        (
            LoginMethod::XOauth2,
            "XOAUTH2",
            format!("user={USER}\x01auth=Bearer {TOKEN}\x01\x01"),
        ),
        (
            LoginMethod::OauthBearer,
            "OAUTHBEARER",
            format!(
                "n,a={USER},\x01host={}\x01port=PORT\x01auth=Bearer {TOKEN}\x01\x01",
                fake::NAME
            ),
        ),
    ] {
        for (protocol, initial) in [
            (Protocol::Pop3, true),
            (Protocol::Imap, true),
            (Protocol::Imap, false),
        ] {
            let (address, task) = fake::server(move |peer: Peer| async move {
                let mut server = Server { peer, protocol };
                let said = match server.begin(mechanism, initial).await {
                    Some(said) => said,
                    None => server.ask("").await,
                };
                server.end(Ok("in")).await;
                said
            })
            .await;
            open(protocol, &address, &login(method)).await.unwrap();
            let port = address.socket.port().to_string();
            assert_eq!(task.await.unwrap(), said.replace("PORT", &port));
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_explained_in_the_servers_words_and_not_told_on() {
    for (method, mechanism, farewell) in [
        (LoginMethod::XOauth2, "XOAUTH2", ""),
        (LoginMethod::OauthBearer, "OAUTHBEARER", "\x01"),
    ] {
        for protocol in PROTOCOLS {
            let (address, task) = fake::server(move |peer: Peer| async move {
                let mut server = Server { peer, protocol };
                let said = server.begin(mechanism, true).await.unwrap();
                assert_eq!(server.ask(REFUSED_TOKEN).await, farewell);
                let echo = format!("not {} nor {TOKEN}", base64(said.as_bytes()));
                server.end(Err(&echo)).await;
            })
            .await;
            let error = open(protocol, &address, &login(method)).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::Authentication);
            assert!(error.detail.contains("invalid_token"), "{error}");
            assert!(error.detail.contains("not *** nor ***"), "{error}");
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_by_scram_is_not_logged_in_to() {
    for protocol in PROTOCOLS {
        for proof in [
            None,
            Some("v=bm90IHRoZSBwcm9vZg=="),
            Some("e=invalid-proof"),
        ] {
            let (address, task) = fake::server(move |peer: Peer| async move {
                let mut server = Server { peer, protocol };
                let first = server.begin("SCRAM-SHA-256", true).await.unwrap();
                let nonce = first.rsplit_once("r=").unwrap().1.to_owned();
                let last = server.ask(&format!("r={nonce}x,s=c2FsdA==,i=4096")).await;
                assert!(last.contains(&format!("r={nonce}x,p=")), "{last}");
                match proof {
                    // It lets anybody in.
                    None => server.end(Ok("in")).await,
                    Some(proof) => {
                        assert_eq!(server.ask(proof).await, "*");
                        server.end(Err("given up")).await;
                    }
                }
            })
            .await;
            let error = open(protocol, &address, &login(LoginMethod::ScramSha256)).await;
            let error = error.unwrap_err();
            assert_eq!(error.class, ErrorClass::Authentication, "{error}");
            let words = match proof {
                Some("e=invalid-proof") => "invalid-proof",
                _ => "impostor",
            };
            assert!(error.detail.contains(words), "{error}");
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_server_that_never_stops_asking_is_given_up() {
    for protocol in PROTOCOLS {
        for method in [
            LoginMethod::SaslPlain,
            LoginMethod::SaslLogin,
            LoginMethod::CramMd5,
            LoginMethod::ScramSha256,
            LoginMethod::XOauth2,
            LoginMethod::OauthBearer,
        ] {
            let mechanism = match method {
                LoginMethod::SaslPlain => "PLAIN",
                LoginMethod::SaslLogin => "LOGIN",
                LoginMethod::CramMd5 => "CRAM-MD5",
                LoginMethod::ScramSha256 => "SCRAM-SHA-256",
                LoginMethod::XOauth2 => "XOAUTH2",
                _ => "OAUTHBEARER",
            };
            let (address, task) = fake::server(move |peer: Peer| async move {
                let mut server = Server { peer, protocol };
                server.begin(mechanism, true).await;
                let mut challenges = 0;
                while server.ask("and now?").await != "*" {
                    challenges += 1;
                    assert!(challenges < 5);
                }
                server.end(Err("given up")).await;
            })
            .await;
            let error = open(protocol, &address, &login(method)).await.unwrap_err();
            assert_eq!(error.class, ErrorClass::Protocol, "{mechanism}: {error}");
            task.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_challenge_that_is_no_base64_is_a_protocol_error() {
    for protocol in PROTOCOLS {
        let (address, task) = fake::server(move |peer: Peer| async move {
            let mut server = Server { peer, protocol };
            server.begin("CRAM-MD5", true).await;
            server.peer.say("+ what's that?\r\n").await;
            server.peer.expect("*").await;
            server.end(Err("given up")).await;
        })
        .await;
        let error = open(protocol, &address, &login(LoginMethod::CramMd5)).await;
        assert_eq!(error.unwrap_err().class, ErrorClass::Protocol);
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_mechanism_that_is_not_offered_is_not_tried() {
    for protocol in PROTOCOLS {
        let (address, task) = fake::server(move |mut peer: Peer| async move {
            match protocol {
                Protocol::Pop3 => {
                    peer.say("+OK ready\r\n").await;
                    peer.play(&[("CAPA", "+OK\r\nSASL PLAIN LOGIN\r\n.\r\n")])
                        .await;
                }
                Protocol::Imap => {
                    peer.say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN] hi\r\n")
                        .await;
                }
            }
            peer.line().await
        })
        .await;
        let error = open(protocol, &address, &login(LoginMethod::ScramSha256)).await;
        let error = error.unwrap_err();
        assert_eq!(error.class, ErrorClass::NotOffered);
        assert!(error.detail.contains("PLAIN, LOGIN"), "{error}");
        assert_eq!(task.await.unwrap(), "");
    }
}

#[tokio::test]
async fn dovecot_takes_every_mechanism_that_its_settings_name() {
    let target = match Target::named("dovecot") {
        Ok(target) => target,
        Err(error) => return skipped("SASL against Dovecot", &error.to_string()),
    };
    let request = Request {
        accounts: 1,
        connections: 10,
        tls: TlsMode::Starttls,
        cpus: None,
    };
    let instance = target.start(request).await.unwrap();
    for method in [
        LoginMethod::Auto,
        LoginMethod::Plaintext,
        LoginMethod::SaslPlain,
        LoginMethod::SaslLogin,
        LoginMethod::CramMd5,
        LoginMethod::ScramSha256,
    ] {
        let right = Login {
            method,
            ..instance.endpoint.accounts[0].login()
        };
        for protocol in PROTOCOLS {
            let entered = at(&instance, protocol, &right).await;
            entered.unwrap_or_else(|error| panic!("{method} by {protocol}: {error}"));
        }
    }
    // At once: Dovecot makes whoever errs wait longer each time.
    let wrong = |method| Login {
        password: "wrong".into(),
        method,
        ..instance.endpoint.accounts[0].login()
    };
    let (scram, cram) = (wrong(LoginMethod::ScramSha256), wrong(LoginMethod::CramMd5));
    let (scram, cram) = tokio::join!(
        at(&instance, Protocol::Imap, &scram),
        at(&instance, Protocol::Pop3, &cram)
    );
    assert_eq!(scram.unwrap_err().class, ErrorClass::Authentication);
    assert_eq!(cram.unwrap_err().class, ErrorClass::Authentication);
    let token = Login {
        method: LoginMethod::OauthBearer,
        ..instance.endpoint.accounts[0].login()
    };
    let refused = at(&instance, Protocol::Imap, &token).await.unwrap_err();
    assert_eq!(refused.class, ErrorClass::NotOffered);
    instance.stop().await.unwrap();
}

async fn at(instance: &Instance, protocol: Protocol, login: &Login) -> Result<(), ClientError> {
    let endpoint = &instance.endpoint;
    // Dovecot takes its time over wrong passwords.
    let limit = Duration::from_secs(30);
    let limits = TimeLimits {
        connect: limit,
        command: limit,
    };
    let dialer = endpoint.dialer(false, true, limits).unwrap();
    let service = match protocol {
        Protocol::Pop3 => &endpoint.pop3,
        Protocol::Imap => &endpoint.imap,
    };
    let service = service.as_ref().unwrap();
    open_by(&dialer, protocol, &service.address, service.tls, login)
        .await
        .map_err(|failed| failed.error)
}
