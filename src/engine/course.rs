//! Where a run, or one of its cells, stands, told to whoever must act on it. What comes later never goes back.

use std::future::Future;

use tokio::sync::watch;

use super::clock::Clock;

/// What the user, or a fault, wants of the whole run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    /// Go on.
    #[default]
    No,
    /// Begin nothing new, end what has begun, keep what was measured.
    Drain,
    /// At once.
    Now,
}

/// Hands [`Stop`] to a running comparison.
pub type StopReceiver = watch::Receiver<Stop>;

/// Where a cell stands, for its workers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Course {
    /// Mailboxes are being filled.
    Prepare,
    /// The plan runs; its clock.
    Run(Clock),
    /// Nothing new begins. People finish what they have in hand without pausing to think; if hurried, they put
    /// it down.
    Drain { hurried: bool },
    /// Whatever still runs is cut.
    Cut,
    /// Nothing runs any more: the stores are counted.
    Audit,
    /// At once: nothing is counted.
    Abandon,
}

impl Course {
    const fn rank(self) -> u8 {
        match self {
            Self::Prepare => 0,
            Self::Run(_) => 1,
            Self::Drain { hurried: false } => 2,
            Self::Drain { hurried: true } => 3,
            Self::Cut => 4,
            Self::Audit => 5,
            Self::Abandon => 6,
        }
    }
}

/// A worker's view of its cell's course.
#[derive(Clone, Debug)]
pub(super) struct Guide(watch::Receiver<Course>);

/// Sets the course of a cell.
#[derive(Debug)]
pub(super) struct Helm(watch::Sender<Course>);

impl Helm {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(Course::Prepare))
    }

    pub(super) fn guide(&self) -> Guide {
        Guide(self.0.subscribe())
    }

    /// Moves on; never back.
    pub(super) fn steer(&self, course: Course) {
        self.0.send_if_modified(|now| {
            let forward = course.rank() > now.rank();
            if forward {
                *now = course;
            }
            forward
        });
    }
}

impl Guide {
    /// The clock, once the plan runs; none if it never will.
    pub(super) async fn started(&self) -> Option<Clock> {
        let mut receiver = self.0.clone();
        let course = receiver
            .wait_for(|course| course.rank() > 0)
            .await
            .ok()
            .map(|course| *course)?;
        match course {
            Course::Run(clock) => Some(clock),
            _ => None,
        }
    }

    /// Whether new things may begin.
    pub(super) fn running(&self) -> bool {
        self.0.borrow().rank() <= 1
    }

    /// Whether people put down what they have in hand.
    pub(super) fn hurried(&self) -> bool {
        self.0.borrow().rank() >= 3
    }

    /// Resolves when nothing new may begin.
    pub(super) fn draining(&self) -> impl Future<Output = ()> + use<> {
        self.reached(2)
    }

    /// Resolves when people put down what they have in hand.
    pub(super) fn hurry(&self) -> impl Future<Output = ()> + use<> {
        self.reached(3)
    }

    /// Resolves when everything must end at once.
    pub(super) fn cut(&self) -> impl Future<Output = ()> + use<> {
        self.reached(4)
    }

    /// Resolves when nothing runs any more on any worker: whether the stores are to be counted.
    pub(super) async fn audits(&self) -> bool {
        self.reached(5).await;
        self.0.borrow().rank() == 5
    }

    /// Resolves when not even counting is wanted.
    pub(super) fn abandoned(&self) -> impl Future<Output = ()> + use<> {
        self.reached(6)
    }

    fn reached(&self, rank: u8) -> impl Future<Output = ()> + use<> {
        let mut receiver = self.0.clone();
        async move {
            // The helm is gone: so is the cell.
            let _ = receiver.wait_for(|course| course.rank() >= rank).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Course, Helm};

    #[tokio::test]
    async fn a_course_never_goes_back() {
        let helm = Helm::new();
        let guide = helm.guide();
        assert!(guide.running());
        helm.steer(Course::Drain { hurried: true });
        helm.steer(Course::Drain { hurried: false });
        assert!(guide.hurried());
        guide.draining().await;
        assert!(guide.started().await.is_none());
    }

    #[tokio::test]
    async fn everything_ends_when_nobody_steers_any_more() {
        let helm = Helm::new();
        let guide = helm.guide();
        drop(helm);
        guide.cut().await;
    }
}
