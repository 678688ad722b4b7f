//! How fast a stream may go (`session.rate`): what has moved is paid for with time before more moves.
#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

/// A rate, and when what has moved is paid for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    rate: u64,
    paid: Option<Instant>,
}

/// How much time may be made up for that nothing moved in. A wait is never exact, and it would add up.
const SLACK: Duration = Duration::from_millis(50);

impl Pace {
    /// So many bytes a second.
    pub(super) fn new(rate: u64) -> Self {
        Self { rate: rate.max(1), paid: None }
    }

    /// So many bytes have moved by now.
    pub(super) fn moved(&mut self, bytes: usize, now: Instant) {
        let from = self.paid.filter(|paid| *paid + SLACK >= now).unwrap_or(now);
        let nanoseconds =
            u128::try_from(bytes).unwrap_or(u128::MAX).saturating_mul(1_000_000_000) / u128::from(self.rate);
        self.paid = from.checked_add(Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)));
    }

    /// Until when nothing more may move; `None` where it may.
    pub(super) fn rests(&self, now: Instant) -> Option<Instant> {
        self.paid.filter(|paid| *paid > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_takes_the_time_that_the_rate_says_whatever_the_pieces() {
        let start = Instant::now();
        for pieces in [vec![1000; 10], vec![10_000], vec![1; 10_000]] {
            let (mut pace, mut now) = (Pace::new(1000), start);
            for piece in pieces {
                assert_eq!(pace.rests(now), None);
                pace.moved(piece, now);
                now = pace.rests(now).unwrap();
            }
            assert_eq!(now.duration_since(start), Duration::from_secs(10));
        }
    }

    #[test]
    fn a_wait_that_was_a_little_long_is_made_up_for_and_a_pause_is_not() {
        let start = Instant::now();
        let at = |milliseconds| start + Duration::from_millis(milliseconds);
        let mut pace = Pace::new(1000);
        pace.moved(100, start);
        pace.moved(100, at(120));
        assert_eq!(pace.rests(at(120)), Some(at(200)));
        pace.moved(100, at(5000));
        assert_eq!(pace.rests(at(5000)), Some(at(5100)));
        assert_eq!(pace.rests(at(5100)), None);
    }
}
