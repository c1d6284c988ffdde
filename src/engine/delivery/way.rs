//! The connection over which mail is handed over: LMTP or SMTP for everybody, or IMAP APPEND as the user whose mail it is.

use std::rc::Rc;
use std::time::Instant;

use crate::client::{ClientError, DeliverySession, ImapSession, Login, OpenError, SessionFigures};
use crate::engine::log::Tap;
use crate::metrics::{ErrorClass, Operation};
use crate::net::Dialer;
use crate::target::{Delivery, Endpoint, Service};

/// An open connection.
#[derive(Debug)]
pub(super) enum Way {
    Mail(Box<DeliverySession<Tap>>),
    Append(Rc<Login>, Box<ImapSession<Tap>>),
}

/// One message, ready to go.
pub(super) struct Parcel<'a, B> {
    pub(super) sender: &'a str,
    pub(super) recipient: &'a str,
    pub(super) octets: u64,
    pub(super) body: B,
    pub(super) due: Instant,
}

impl Way {
    /// Connects as the target wants it; `owner` is whose mail comes first.
    pub(super) async fn open(
        dialer: &Dialer,
        endpoint: &Endpoint,
        owner: &Rc<Login>,
        tap: Tap,
    ) -> Result<Self, OpenError> {
        let due = Instant::now();
        match &endpoint.delivery {
            Delivery::Session {
                service: Service { address, tls },
                dialect,
                login,
            } => {
                let mut session =
                    DeliverySession::open(dialer, address, *tls, *dialect, due, tap).await?;
                if let Some(login) = login
                    && let Err(error) = session.log_in(login).await
                {
                    let figures = session.abort();
                    return Err(OpenError { error, figures });
                }
                Ok(Self::Mail(Box::new(session)))
            }
            Delivery::Append => {
                let Some(Service { address, tls }) = &endpoint.imap else {
                    let detail = "the target offers no IMAP to append mail by";
                    return Err(OpenError {
                        error: ClientError::new(ErrorClass::NotOffered, Operation::Connect, detail),
                        figures: SessionFigures::default(),
                    });
                };
                let session = ImapSession::open(dialer, address, *tls, owner, due, tap).await?;
                Ok(Self::Append(Rc::clone(owner), Box::new(session)))
            }
        }
    }

    /// Whether this user's mail can go over this connection.
    pub(super) fn serves(&self, owner: &Rc<Login>) -> bool {
        match self {
            Self::Mail(_) => true,
            Self::Append(login, _) => login == owner,
        }
    }

    /// Hands a message over. A refusal leaves the connection as it was.
    pub(super) async fn deliver<B>(&mut self, parcel: Parcel<'_, B>) -> Result<(), ClientError>
    where
        B: IntoIterator,
        B::Item: AsRef<[u8]>,
    {
        let Parcel {
            sender,
            recipient,
            octets,
            body,
            due,
        } = parcel;
        match self {
            Self::Mail(session) => {
                let answers = session
                    .deliver(sender, &[recipient], octets, body, due)
                    .await?;
                match answers.into_iter().next() {
                    Some(Err(refusal)) => Err(ClientError::new(
                        ErrorClass::CommandRefused,
                        Operation::Deliver,
                        refusal.to_string(),
                    )),
                    _ => Ok(()),
                }
            }
            Self::Append(_, session) => {
                session.due_next(due);
                session.append("INBOX", &[], octets, body).await.map(drop)
            }
        }
    }

    pub(super) async fn quit(self) -> (SessionFigures, Result<(), ClientError>) {
        match self {
            Self::Mail(session) => session.quit().await,
            Self::Append(_, session) => session.logout().await,
        }
    }

    pub(super) fn abort(self) -> SessionFigures {
        match self {
            Self::Mail(session) => session.abort(),
            Self::Append(_, session) => session.abort(),
        }
    }
}
