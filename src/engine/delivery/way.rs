//! The connection over which mail is handed over: LMTP or SMTP for everybody, or IMAP APPEND as the user whose mail it is.

use std::rc::Rc;
use std::time::Instant;

use crate::client::{ClientError, DeliverySession, ImapSession, Login, OpenError, SessionFigures};
use crate::metrics::{ErrorClass, Observer, Operation};
use crate::net::Dialer;
use crate::target::{Delivery, Endpoint, Service};

/// An open connection.
#[derive(Debug)]
pub(in crate::engine) enum Way<O> {
    Mail(Box<DeliverySession<O>>),
    Append(Rc<Login>, Box<ImapSession<O>>),
}

/// One message, ready to go.
pub(in crate::engine) struct Parcel<'a, B> {
    pub(in crate::engine) sender: &'a str,
    pub(in crate::engine) recipient: &'a str,
    /// Only APPEND can set them.
    pub(in crate::engine) flags: &'a [&'a str],
    pub(in crate::engine) octets: u64,
    pub(in crate::engine) body: B,
    pub(in crate::engine) due: Instant,
}

impl<O: Observer> Way<O> {
    /// Connects as the target wants it; `owner` is whose mail comes first.
    pub(in crate::engine) async fn open(
        dialer: &Dialer,
        endpoint: &Endpoint,
        owner: &Rc<Login>,
        observer: O,
    ) -> Result<Self, OpenError> {
        let due = Instant::now();
        match &endpoint.delivery {
            Delivery::Session {
                service: Service { address, tls },
                dialect,
                login,
            } => {
                let mut session =
                    DeliverySession::open(dialer, address, *tls, *dialect, due, observer).await?;
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
                let session =
                    ImapSession::open(dialer, address, *tls, owner, due, observer).await?;
                Ok(Self::Append(Rc::clone(owner), Box::new(session)))
            }
        }
    }

    /// Whether this user's mail can go over this connection.
    pub(in crate::engine) fn serves(&self, owner: &Rc<Login>) -> bool {
        match self {
            Self::Mail(_) => true,
            Self::Append(login, _) => login == owner,
        }
    }

    /// Hands a message over. A refusal leaves the connection as it was.
    pub(in crate::engine) async fn deliver<B>(
        &mut self,
        parcel: Parcel<'_, B>,
    ) -> Result<(), ClientError>
    where
        B: IntoIterator,
        B::Item: AsRef<[u8]>,
    {
        let Parcel {
            sender,
            recipient,
            flags,
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
                session.append("INBOX", flags, octets, body).await.map(drop)
            }
        }
    }

    pub(in crate::engine) async fn quit(self) -> (SessionFigures, Result<(), ClientError>) {
        match self {
            Self::Mail(session) => session.quit().await,
            Self::Append(_, session) => session.logout().await,
        }
    }

    pub(in crate::engine) fn abort(self) -> SessionFigures {
        match self {
            Self::Mail(session) => session.abort(),
            Self::Append(_, session) => session.abort(),
        }
    }
}
