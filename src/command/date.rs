//! Days as dates: the proleptic Gregorian calendar, UTC, since one that knows of zones would ask files and environment.
#![forbid(unsafe_code)]

use std::fmt;

/// A date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u64,
    /// From 1
    month: u64,
    /// From 1
    day: u64,
}

impl Date {
    /// That of a day, counted from 1970-01-01. Years are counted from March, so that the day that leap years add comes
    /// last.
    pub fn of(day: u64) -> Self {
        let day = day + 719_468;
        let (era, day) = (day / 146_097, day % 146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        Self { year: era * 400 + year + next, month, day }
    }

    /// The months since January of the year 0.
    pub fn months(self) -> u64 {
        self.year * 12 + self.month - 1
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (day, date) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_784, "2026-11-27"),
            (20_818, "2026-12-31"),
            (20_819, "2027-01-01"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(Date::of(day).to_string(), date, "{day}");
        }
    }

    #[test]
    fn a_day_is_followed_by_the_next_of_its_month_or_the_first_of_the_next_month() {
        for day in 0..150_000 {
            let (one, next) = (Date::of(day), Date::of(day + 1));
            let is_next_day = (next.months(), next.day) == (one.months(), one.day + 1);
            assert!(is_next_day || (next.months(), next.day) == (one.months() + 1, 1), "{one} {next}");
        }
    }
}
