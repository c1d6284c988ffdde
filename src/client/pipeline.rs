//! Many commands at once: how many of them are underway, and whose answer comes next. Both protocols have it.

use std::collections::VecDeque;
use std::time::Instant;

/// So many commands of a pipeline are underway at most: few enough that they always fit the server's
/// receive buffer, so that neither side waits for the other for ever.
pub(super) const PIPELINE_WINDOW: usize = 20;

/// Commands about many things, each known by a number, of which a window is underway.
pub(super) struct Pipeline<'a> {
    waiting: &'a [u32],
    underway: VecDeque<u32>,
    window: usize,
    /// When the last batch was sent.
    pub(super) flushed: Instant,
}

impl<'a> Pipeline<'a> {
    pub(super) fn new(numbers: &'a [u32], window: usize) -> Self {
        Self {
            waiting: numbers,
            underway: VecDeque::with_capacity(window),
            window,
            flushed: Instant::now(),
        }
    }

    /// What is to be sent now: when the window is half empty, so that commands go out in batches.
    pub(super) fn refill(&mut self) -> &'a [u32] {
        if self.underway.len() > self.window / 2 {
            return &[];
        }
        let room = self.window - self.underway.len();
        let (fresh, rest) = self.waiting.split_at(room.min(self.waiting.len()));
        self.waiting = rest;
        self.underway.extend(fresh);
        fresh
    }

    /// Whose reply comes next.
    pub(super) fn answered(&mut self) -> Option<u32> {
        self.underway.pop_front()
    }
}
