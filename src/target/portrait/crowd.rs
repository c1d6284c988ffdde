//! How many sessions of one user a server lets in at the same time, and whether a POP3 session keeps others out.

use std::time::Instant;

use super::look::Looker;
use super::service::{Crowd, Lock};
use super::{Role, ServicePortrait};
use crate::client::{ClientError, ImapSession, Login, PopSession};
use crate::metrics::ErrorClass;
use crate::target::{Endpoint, Service};

/// A session of either protocol, open.
enum Open {
    Pop(Box<PopSession<()>>),
    Imap(Box<ImapSession<()>>),
}

impl Open {
    async fn leave(self) {
        match self {
            Self::Pop(session) => drop(session.quit().await),
            Self::Imap(session) => drop(session.logout().await),
        }
    }
}

impl Looker {
    /// Opens sessions of the first user until one is refused or there are enough, and closes them all.
    pub(super) async fn crowd(
        &self,
        endpoint: &Endpoint,
        portrait: &mut ServicePortrait,
        sessions: u32,
    ) {
        let service = match portrait.role {
            Role::Pop3 => endpoint.pop3.as_ref(),
            Role::Imap => endpoint.imap.as_ref(),
            Role::Delivery => None,
        };
        let (Some(service), Some(account), true) = (service, &self.account, portrait.works())
        else {
            return;
        };
        if sessions == 0 {
            return;
        }
        let login = account.login();
        let mut open = Vec::new();
        let mut refused = None;
        while open.len() < sessions as usize && refused.is_none() {
            match self.open(service, &login, portrait).await {
                Ok(session) => open.push(session),
                Err(error) => refused = Some(error),
            }
        }
        let let_in = open.len() as u32;
        if let Some(traits) = &mut portrait.pop3 {
            traits.lock = lock(let_in, refused.as_ref());
        }
        portrait.crowd = Some(Crowd {
            tried: sessions,
            let_in,
            refused: refused.map(|error| error.detail),
        });
        let mut leaving = tokio::task::JoinSet::new();
        for session in open {
            leaving.spawn(session.leave());
        }
        leaving.join_all().await;
    }

    async fn open(
        &self,
        Service { address, tls }: &Service,
        login: &Login,
        portrait: &mut ServicePortrait,
    ) -> Result<Open, ClientError> {
        let (dialer, due) = (&self.dialer, Instant::now());
        let (opened, figures) = match portrait.role {
            Role::Pop3 => match PopSession::open(dialer, address, *tls, login, due, ()).await {
                Ok(session) => {
                    let figures = session.figures();
                    (Ok(Open::Pop(Box::new(session))), figures)
                }
                Err(failed) => (Err(failed.error), failed.figures),
            },
            _ => match ImapSession::open(dialer, address, *tls, login, due, ()).await {
                Ok(session) => {
                    let figures = session.figures();
                    (Ok(Open::Imap(Box::new(session))), figures)
                }
                Err(failed) => (Err(failed.error), failed.figures),
            },
        };
        if let Some(connect) = figures.connect {
            portrait.note_connect(connect);
        }
        opened
    }
}

/// What the second session says of the first one's lock.
fn lock(let_in: u32, refused: Option<&ClientError>) -> Option<Lock> {
    match (let_in, refused) {
        (2.., _) => Some(Lock::Shared),
        (1, Some(error)) if error.class == ErrorClass::InUse => Some(Lock::Exclusive),
        (1, Some(error)) if error.detail.to_ascii_lowercase().contains("lock") => {
            Some(Lock::Exclusive)
        }
        (1, Some(_)) => Some(Lock::Unclear),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::lock;
    use crate::client::ClientError;
    use crate::metrics::{ErrorClass, Operation};
    use crate::target::portrait::Lock;

    #[test]
    fn what_keeps_a_second_session_out_is_a_lock_only_if_the_server_says_so() {
        let refusal = |class, words: &str| ClientError::new(class, Operation::Login, words);
        let in_use = refusal(ErrorClass::InUse, "no");
        assert_eq!(lock(1, Some(&in_use)), Some(Lock::Exclusive));
        let locked = refusal(ErrorClass::Authentication, "Maildrop already locked");
        assert_eq!(lock(1, Some(&locked)), Some(Lock::Exclusive));
        let delay = refusal(ErrorClass::LoginDelay, "too soon");
        assert_eq!(lock(1, Some(&delay)), Some(Lock::Unclear));
        assert_eq!(lock(3, Some(&delay)), Some(Lock::Shared));
        assert_eq!(lock(1, None), None);
        assert_eq!(lock(0, Some(&delay)), None);
    }
}
