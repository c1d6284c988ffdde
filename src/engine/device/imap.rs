//! A device that reads its mail by IMAP: it shows a list of what is on the server and fetches a message when its owner opens
//! it. Marks, deletions and answers happen on the server. What it keeps, how it learns of new mail, and how many connections
//! it holds, says the scenario.

mod acts;
mod folders;
mod inbox;
mod line;
mod sync;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::time::sleep;

use crate::client::{ClientError, IdleEnd};
use crate::engine::store::Store;
use crate::metrics::row::Purpose;
use crate::metrics::{ErrorClass, Operation, Timing};
use crate::scenario::{ImapClient, Watch};

pub(in crate::engine) use self::acts::text_part;
pub(in crate::engine) use self::folders::Folders;
pub(in crate::engine) use self::inbox::bits;
use self::line::Line;
pub(in crate::engine) use self::line::say_hello;
use super::{Cost, Owner, pause_before_retry};

/// After a check that failed for good, a device that watches waits this long before it tries again.
const WATCH_PAUSE: Duration = Duration::from_secs(5);

/// An IMAP device.
#[derive(Debug)]
pub(in crate::engine) struct ImapDevice {
    pub(super) owner: Rc<Owner>,
    pub(super) store: RefCell<Store>,
    client: ImapClient,
    /// Read on the device; the server does not know yet.
    unsaid: RefCell<Vec<u32>>,
    /// Logged in between checks.
    stays: bool,
    /// IDLE, given anew so often (clock).
    refresh: Option<Duration>,
    line: Mutex<Line>,
    /// How many want the line, or have it; the one who idles lets go for them.
    wanted: watch::Sender<u32>,
    /// The last check did not get through.
    blind: Cell<bool>,
}

/// The line, for one who wanted it.
struct Taken<'a> {
    line: MutexGuard<'a, Line>,
    _wish: Wish<'a>,
}

struct Wish<'a>(&'a watch::Sender<u32>);

impl<'a> Wish<'a> {
    fn new(wanted: &'a watch::Sender<u32>) -> Self {
        wanted.send_modify(|count| *count += 1);
        Self(wanted)
    }
}

impl Drop for Wish<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

impl ImapDevice {
    /// `refresh`: clock time after which IDLE is given anew; none: the device asks.
    pub(super) fn new(owner: Owner, client: &ImapClient, refresh: Option<Duration>) -> Self {
        let messages = owner.ledger.borrow().len();
        let idles = matches!(client.watch, Watch::Idle { .. });
        Self {
            owner: Rc::new(owner),
            store: RefCell::new(Store::new(messages)),
            client: client.clone(),
            unsaid: RefCell::default(),
            stays: client.stay_connected || idles,
            refresh,
            line: Mutex::default(),
            wanted: watch::Sender::new(0),
            blind: Cell::new(true),
        }
    }

    /// Somebody works with the line or waits for it; who merely idles does not count.
    pub(super) fn busy(&self) -> bool {
        *self.wanted.borrow() > 0
    }

    async fn take(&self) -> Taken<'_> {
        let wish = Wish::new(&self.wanted);
        Taken {
            line: self.line.lock().await,
            _wish: wish,
        }
    }

    /// The line, and when what follows is due: waiting for ourselves is not the generator being late.
    async fn take_for(&self, due: Instant) -> (Taken<'_>, Instant) {
        let free = self.line.try_lock().is_ok();
        let taken = self.take().await;
        (taken, if free { due } else { Instant::now() })
    }

    /// The run ends, and with it the connections that are still open.
    pub(super) async fn cut(&self) {
        self.line.lock().await.cut();
    }

    /// First check, further connections, and then the watch, if the device idles.
    pub(super) async fn online(&self, due: Instant) {
        let purpose = if self.stays {
            Purpose::Stay
        } else {
            Purpose::Poll
        };
        self.check(due, purpose).await;
        if self.client.connections > 1 {
            self.take().await.line.open_extras(self).await;
        }
        if self.refresh.is_some() {
            self.watch().await;
        }
    }

    /// Looks for what is new and shows it; connects for that if need be.
    pub(super) async fn check(&self, due: Instant, purpose: Purpose) {
        let asked = Instant::now();
        let (mut taken, mut step_due) = self.take_for(due).await;
        let timing = |done| Timing {
            due,
            sent: asked,
            first_byte: None,
            done,
        };
        let line = &mut taken.line;
        for attempt in 0.. {
            let before = line.figures();
            let looked = line.look(self, step_due, purpose).await;
            let cost = Cost::between(&before, &line.figures());
            let error = match looked {
                Ok(()) => {
                    self.blind.set(false);
                    let timing = timing(Instant::now());
                    self.owner.sample(Operation::Check, timing, cost, Ok(()));
                    self.play_back(line).await;
                    break;
                }
                Err(error) => error,
            };
            self.blind.set(true);
            line.fail(self, &error);
            let pause = pause_before_retry(&error, attempt);
            let Some(pause) = pause.filter(|_| self.owner.guide.running()) else {
                let timing = timing(Instant::now());
                self.owner
                    .sample(Operation::Check, timing, cost, Err(error.class));
                break;
            };
            sleep(pause).await;
            step_due = Instant::now();
        }
        if purpose == Purpose::Poll && !self.stays {
            line.hang_up().await;
        }
    }

    /// Waits for the server to tell of new mail, until the drain.
    async fn watch(&self) {
        while self.owner.guide.running() {
            self.let_others_first().await;
            let Ok(mut line) = self.line.try_lock() else {
                continue;
            };
            if self.busy() {
                continue;
            }
            if !line.is_open() {
                drop(line);
                self.come_back().await;
                continue;
            }
            match self.idle(&mut line).await {
                Ok(()) => {}
                Err(error) if error.class == ErrorClass::NotOffered => {
                    self.owner.error(Instant::now(), &error);
                    return;
                }
                Err(error) => line.fail(self, &error),
            }
        }
    }

    async fn let_others_first(&self) {
        let mut wanted = self.wanted.subscribe();
        tokio::select! {
            () = self.owner.guide.draining() => {}
            _ = wanted.wait_for(|&count| count == 0) => {}
        }
    }

    /// The connection is gone: again, and if that fails for good, after a while again.
    async fn come_back(&self) {
        tokio::select! {
            () = self.owner.guide.draining() => return,
            () = self.owner.reach.back() => {}
        }
        self.check(Instant::now(), Purpose::Stay).await;
        if self.blind.get() {
            tokio::select! {
                () = self.owner.guide.draining() => {}
                () = sleep(WATCH_PAUSE) => {}
            }
        }
    }

    /// One IDLE: until something changes, somebody wants the line, or it is time to give the command anew.
    async fn idle(&self, line: &mut Line) -> Result<(), ClientError> {
        let refresh = self.refresh.unwrap_or(Duration::MAX);
        let mut wanted = self.wanted.subscribe();
        let draining = self.owner.guide.draining();
        let stop = async move {
            tokio::select! {
                () = draining => {}
                () = sleep(refresh) => {}
                _ = wanted.wait_for(|&count| count > 0) => {}
            }
        };
        // Between two commands nobody was late.
        line.due_next(Instant::now());
        if !line.news(self) {
            match line.idle(stop).await? {
                IdleEnd::Stopped => return Ok(()),
                IdleEnd::Changed if !line.news(self) => return Ok(()),
                IdleEnd::Changed => {}
            }
        }
        let due = Instant::now();
        let before = line.figures();
        if self.client.commands.noop {
            line.session()?.noop().await?;
        }
        line.list_new(self).await?;
        let timing = Timing {
            due,
            sent: due,
            first_byte: None,
            done: Instant::now(),
        };
        let cost = Cost::between(&before, &line.figures());
        self.owner.sample(Operation::Check, timing, cost, Ok(()));
        Ok(())
    }

    /// The person puts the device down: unless it stays, what was done without the server is told to it, and it hangs up.
    pub(super) async fn put_down(&self) {
        if !self.stays {
            let mut taken = self.take().await;
            self.play_back(&mut taken.line).await;
            taken.line.hang_up().await;
        }
    }

    pub(super) async fn close(&self) {
        let mut taken = self.take().await;
        self.play_back(&mut taken.line).await;
        taken.line.hang_up().await;
        taken.line.hang_up_extras().await;
    }
}
