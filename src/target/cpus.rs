//! Which processors a private server runs on: those that it is given, while the generator keeps to the others, so that neither
//! takes time from the other.

use std::fmt;
use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Processors of this machine, by the numbers that Linux gives them. Never empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cpus(CpuSet);

impl Cpus {
    /// The highest number that can be named.
    pub const HIGHEST: u32 = CpuSet::MAX_CPU as u32 - 1;

    /// Of these numbers; none: there are none, or one is above [`Cpus::HIGHEST`].
    pub fn of(numbers: &[u32]) -> Option<Self> {
        let mut set = CpuSet::new();
        for number in numbers {
            if *number > Self::HIGHEST {
                return None;
            }
            set.set(*number as usize);
        }
        (set.count() > 0).then_some(Self(set))
    }

    /// How many.
    pub fn count(&self) -> u32 {
        self.0.count()
    }

    /// Has the calling thread, and those that it starts from now on, keep to the other processors that it may use.
    ///
    /// # Errors
    /// No other is left, or one of these is not there.
    pub fn leave(&self) -> io::Result<()> {
        let own = sched_getaffinity(None)?;
        let mut rest = own;
        for number in self.numbers() {
            rest.unset(number);
        }
        if rest.count() == 0 {
            return Err(io::Error::other(format!(
                "the server was to have the processors {self} (`run.server_cpus`), which leaves the load generator none of {}",
                Self(own)
            )));
        }
        sched_setaffinity(None, &rest)?;
        Ok(())
    }

    /// What `start` starts, runs here with all that it starts itself; the calling thread stays where it is.
    ///
    /// # Errors
    /// Those of `start`, or one of these processors is not there or may not be used.
    pub(super) fn run<T>(&self, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let before = sched_getaffinity(None)?;
        let placed = sched_setaffinity(None, &self.0).and_then(|()| sched_getaffinity(None));
        // Linux leaves out silently what may not be used, if something is left.
        let started = match placed {
            Ok(now) if now == self.0 => start(),
            _ => Err(io::Error::other(format!(
                "it was to run on the processors {self} (`run.server_cpus`), and not all of them are there for us"
            ))),
        };
        sched_setaffinity(None, &before)?;
        started
    }

    fn numbers(&self) -> impl Iterator<Item = usize> {
        (0..CpuSet::MAX_CPU).filter(|number| self.0.is_set(*number))
    }
}

/// `0,2,3`.
impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<String> = self.numbers().map(|number| number.to_string()).collect();
        f.write_str(&numbers.join(","))
    }
}

impl fmt::Debug for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cpus({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed() -> Cpus {
        Cpus(sched_getaffinity(None).unwrap())
    }

    #[test]
    fn a_list_of_numbers_is_what_it_says() {
        assert_eq!(Cpus::of(&[3, 0, 3]).unwrap().to_string(), "0,3");
        assert_eq!(Cpus::of(&[]), None);
        assert_eq!(Cpus::of(&[Cpus::HIGHEST + 1]), None);
    }

    #[test]
    fn what_is_started_runs_there_and_who_starts_it_stays() {
        let before = allowed();
        let first = before.numbers().next().unwrap();
        let one = Cpus::of(&[first as u32]).unwrap();
        assert_eq!(one.run(|| Ok(allowed())).unwrap(), one);
        assert_eq!(allowed(), before);
    }

    #[test]
    fn processors_that_are_not_there_are_refused_and_all_of_them_leave_none() {
        let before = allowed();
        let error = Cpus::of(&[Cpus::HIGHEST]).unwrap().run(|| Ok(()));
        assert!(error.unwrap_err().to_string().contains("1023"));
        let error = before.leave().unwrap_err().to_string();
        assert!(error.contains("leaves the load generator none"), "{error}");
        assert_eq!(allowed(), before);
    }
}
