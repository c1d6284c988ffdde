//! The way in: STARTTLS, LOGIN, AUTHENTICATE PLAIN (RFC 3501 section 6.2), and COMPRESS after it (RFC 4978).

use std::sync::Arc;

use imap_codec::imap_types::auth::AuthMechanism;
use imap_codec::imap_types::command::CommandBody;
use mail_parser::decoders::base64::base64_decode;

use super::input::Input;
use super::{Answer, Next, Session};
use crate::mailserver::connection::Ended;
use crate::mailserver::login;
use crate::mailserver::store::User;
use crate::proto::imap::server::octets;

impl Session {
    pub(super) async fn before_login(&mut self, body: &CommandBody<'_>) -> Result<Answer, Ended> {
        match body {
            CommandBody::Login { username, password } => {
                let user = std::str::from_utf8(octets(username)).unwrap_or_default();
                let password = octets(password.declassify());
                let found = login::with_password(&self.shared, user, password);
                Ok(self.logged_in(found))
            }
            CommandBody::Authenticate {
                mechanism,
                initial_response,
            } => {
                if *mechanism != AuthMechanism::Plain {
                    return Ok(Answer::no("Only PLAIN is offered"));
                }
                let response = match initial_response {
                    Some(initial) => Some(initial.declassify().to_vec()),
                    None => match self.response().await? {
                        Some(response) => response,
                        None => return Ok(Answer::bad("As you like")),
                    },
                };
                let found = response.as_deref().and_then(|response| {
                    let (user, password) = login::plain(response)?;
                    login::with_password(&self.shared, user, password)
                });
                Ok(self.logged_in(found))
            }
            _ => Ok(Answer::bad("Log in first")),
        }
    }

    /// Asks for the response of a SASL exchange. None: the client gave up; Some(None): it is not base64.
    async fn response(&mut self) -> Result<Option<Option<Vec<u8>>>, Ended> {
        self.connection.out.extend_from_slice(b"+ \r\n");
        match self.next_input().await? {
            Input::Line if self.reader.line() == b"*" => Ok(None),
            Input::Line => Ok(Some(base64_decode(self.reader.line()))),
            Input::Answered => Ok(None),
            Input::Broken => Err(Ended::Closed),
        }
    }

    fn logged_in(&mut self, user: Option<Arc<User>>) -> Answer {
        if user.is_none() {
            self.failed += 1;
            return Answer::no("[AUTHENTICATIONFAILED] User or password is wrong");
        }
        self.user = user;
        Answer::ok(format!("[CAPABILITY {}] Logged in", self.capabilities()))
    }

    pub(super) async fn start_tls(&mut self, tag: &str) -> Result<Next, Ended> {
        let shared = Arc::clone(&self.shared);
        match &shared.tls {
            Some(acceptor) if !self.connection.is_secure() && self.user.is_none() => {
                self.tagged(tag, &Answer::ok("Begin TLS"));
                self.reader.reset();
                self.connection.start_tls(acceptor).await?;
            }
            _ => self.tagged(tag, &Answer::bad("TLS cannot be started")),
        }
        Ok(Next::Go)
    }

    /// COMPRESS DEFLATE (RFC 4978 section 3): behind the answer's line end both directions are compressed.
    pub(super) async fn compress(&mut self, tag: &str) -> Result<Next, Ended> {
        let answer = if self.connection.is_compressed() {
            Answer::no("[COMPRESSIONACTIVE] The connection is compressed already")
        } else if !self.connection.buffered().is_empty() {
            Answer::bad("Wait for the answer before you send more")
        } else {
            Answer::ok("Compressed from here on")
        };
        self.tell_changes(true);
        self.tagged(tag, &answer);
        if matches!(answer, Answer::Ok(_)) {
            self.connection.start_deflate().await?;
        }
        Ok(Next::Go)
    }
}
