//! Whether a device has a network at all. When it loses it, its connections break and new ones fail at once; what
//! was broken stays broken when the network comes back.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::watch;

/// A device's network, there or not. Share it between the device's connections.
#[derive(Clone, Debug)]
pub struct Reach(watch::Sender<State>);

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Tunnels that the device is in: they may overlap.
    away: u32,
    /// How often it was lost so far.
    losses: u64,
}

/// Tells one connection when the network is lost.
pub(super) struct Lifeline {
    lost: Pin<Box<dyn Future<Output = ()> + Send + Sync>>,
    cut: bool,
}

impl fmt::Debug for Lifeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lifeline")
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

impl Default for Reach {
    fn default() -> Self {
        Self(watch::Sender::new(State::default()))
    }
}

impl Reach {
    /// A network that is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// The network is lost.
    pub fn lose(&self) {
        self.0.send_modify(|state| {
            state.away += 1;
            state.losses += 1;
        });
    }

    /// What was lost is found again.
    pub fn regain(&self) {
        self.0
            .send_modify(|state| state.away = state.away.saturating_sub(1));
    }

    /// Whether the network is there.
    pub fn is_there(&self) -> bool {
        self.0.borrow().away == 0
    }

    /// Resolves when the network is there.
    pub fn back(&self) -> impl Future<Output = ()> + use<> {
        let mut state = self.0.subscribe();
        async move {
            // An error: the device itself is gone, and nobody waits.
            let _ = state.wait_for(|state| state.away == 0).await;
        }
    }

    /// A connection begins; none: there is no network for it.
    pub(super) fn lifeline(&self) -> Option<Lifeline> {
        let mut state = self.0.subscribe();
        let losses = {
            let now = state.borrow();
            (now.away == 0).then_some(now.losses)?
        };
        let lost = async move {
            let lost = |state: &State| state.losses > losses;
            if state.wait_for(lost).await.is_err() {
                // Nobody can lose it any more: it stays.
                std::future::pending::<()>().await;
            }
        };
        Some(Lifeline {
            lost: Box::pin(lost),
            cut: false,
        })
    }
}

impl Lifeline {
    /// Ready once the network was lost since the connection began, and ever after.
    pub(super) fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if !self.cut {
            ready!(self.lost.as_mut().poll(context));
            self.cut = true;
        }
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::task::Poll;

    use super::{Lifeline, Reach};

    async fn is_cut(lifeline: &mut Lifeline) -> bool {
        poll_fn(|context| Poll::Ready(lifeline.poll_cut(context).is_ready())).await
    }

    #[tokio::test]
    async fn a_connection_that_was_cut_stays_cut() {
        let reach = Reach::new();
        let mut before = reach.lifeline().unwrap();
        assert!(!is_cut(&mut before).await);
        reach.lose();
        assert!(!reach.is_there() && reach.lifeline().is_none());
        poll_fn(|context| before.poll_cut(context)).await;
        reach.regain();
        reach.back().await;
        assert!(is_cut(&mut before).await);
        assert!(!is_cut(&mut reach.lifeline().unwrap()).await);
    }

    #[tokio::test]
    async fn two_tunnels_that_overlap_are_left_one_by_one() {
        let reach = Reach::new();
        reach.lose();
        reach.lose();
        reach.regain();
        assert!(!reach.is_there());
        reach.regain();
        assert!(reach.is_there());
    }
}
