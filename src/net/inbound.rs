//! The read side's buffer, of bounded size.

use super::NetError;

/// The read buffer never grows beyond this many octets: who needs more must consume first.
pub const WIRE_BUFFER_LIMIT: usize = 64 * 1024;

/// An idle connection holds this much.
const SMALL_BUFFER: usize = 4 * 1024;

/// With less room than this at its end, the buffer is tidied up or grows before a read.
const LEAST_ROOM: usize = 1024;

/// The read buffer: small while little comes, larger for bodies, never beyond the limit.
#[derive(Debug, Default)]
pub(super) struct Inbound {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    last: usize,
}

impl Inbound {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn consume(&mut self, octets: usize) {
        self.start = self.end.min(self.start + octets);
    }

    pub(super) fn received(&mut self, octets: usize) {
        self.end += octets;
        self.last = octets;
    }

    /// Free space at the end, at least one octet.
    pub(super) fn room(&mut self) -> Result<&mut [u8], NetError> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            self.fit();
        } else if self.bytes.len() - self.end < LEAST_ROOM {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.end == WIRE_BUFFER_LIMIT {
                return Err(NetError::TooLong {
                    limit: WIRE_BUFFER_LIMIT,
                });
            }
            if self.end > self.bytes.len() / 2 {
                let larger = (self.bytes.len() * 2).min(WIRE_BUFFER_LIMIT);
                self.bytes.resize(larger, 0);
            }
        }
        Ok(&mut self.bytes[self.end..])
    }

    /// Chooses the size of an empty buffer by what the last read brought.
    fn fit(&mut self) {
        let size = self.bytes.len();
        if size < SMALL_BUFFER {
            self.bytes.resize(SMALL_BUFFER, 0);
        } else if self.last == size && size < WIRE_BUFFER_LIMIT {
            self.bytes.resize(size * 2, 0);
        } else if self.last < SMALL_BUFFER && size > SMALL_BUFFER {
            self.bytes.truncate(SMALL_BUFFER);
            self.bytes.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_consumed_stays_in_order_while_the_buffer_grows() {
        let mut inbound = Inbound::default();
        let (mut sent, mut seen) = (0u8, 0u8);
        for _ in 0..60_000 {
            let room = inbound.room().unwrap();
            room[0] = sent;
            inbound.received(1);
            sent = sent.wrapping_add(1);
            if inbound.bytes().len() > 20_000 {
                let taken = inbound.bytes().len() - 1;
                for octet in &inbound.bytes()[..taken] {
                    assert_eq!(*octet, seen);
                    seen = seen.wrapping_add(1);
                }
                inbound.consume(taken);
            }
        }
        assert!(seen > 0);
    }

    #[test]
    fn a_full_buffer_that_nobody_consumes_is_too_long() {
        let mut inbound = Inbound::default();
        while inbound.bytes().len() < WIRE_BUFFER_LIMIT {
            let room = inbound.room().unwrap().len();
            assert!(room > 0 && room <= WIRE_BUFFER_LIMIT);
            inbound.received(room);
        }
        assert!(matches!(inbound.room(), Err(NetError::TooLong { .. })));
        inbound.consume(1);
        assert_eq!(inbound.room().unwrap().len(), 1);
    }

    #[test]
    fn the_buffer_is_large_for_bodies_and_small_when_idle() {
        let mut inbound = Inbound::default();
        for _ in 0..10 {
            let room = inbound.room().unwrap().len();
            inbound.received(room);
            inbound.consume(room);
        }
        assert_eq!(inbound.room().unwrap().len(), WIRE_BUFFER_LIMIT);
        inbound.received(10);
        inbound.consume(10);
        assert_eq!(inbound.room().unwrap().len(), SMALL_BUFFER);
    }
}
