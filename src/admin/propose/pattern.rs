//! From the names that were seen to a pattern for those of tomorrow: what is a time in a name becomes `[0-9]*`, and
//! nothing else of it is widened.

/// Digits that follow each other in a time: a year, or all of it.
const YEAR: usize = 4;

/// The pattern for a name of a snapshot, a bookmark or a hold. From the first run of at least four digits to the last
/// digit it stands for any that begins with a digit; a name without one stands for itself.
pub(super) fn of(name: &str) -> String {
    let Some(start) = year(name) else { return name.to_owned() };
    let end = name.rfind(|c: char| c.is_ascii_digit()).map_or(name.len(), |last| last + 1);
    let (before, after) = (name.get(..start).unwrap_or_default(), name.get(end..).unwrap_or_default());
    format!("{before}[0-9]*{after}")
}

/// Where the first long run of digits begins.
fn year(name: &str) -> Option<usize> {
    let mut run = 0;
    for (at, byte) in name.bytes().enumerate() {
        run = if byte.is_ascii_digit() { run + 1 } else { 0 };
        if run == YEAR {
            return Some(at + 1 - YEAR);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Names;

    #[test]
    fn the_time_in_a_name_is_all_that_widens() {
        let table = [
            ("syncoid_web01_2026-11-01:00:00:00-GMT01:00", "syncoid_web01_[0-9]*"),
            ("offsite1-20261101000000", "offsite1-[0-9]*"),
            ("pyznap_2026-11-01_00:00:00_daily", "pyznap_[0-9]*_daily"),
            ("2026-11-01-000000", "[0-9]*"),
            ("before-upgrade", "before-upgrade"),
            ("v2.1", "v2.1"),
        ];
        for (name, pattern) in table {
            assert_eq!(of(name), pattern);
            assert!(Names::parse([pattern]).unwrap().matches(name), "{name}");
        }
    }

    #[test]
    fn another_client_and_another_kind_of_snapshot_stay_outside() {
        let daily = Names::parse([of("pyznap_2026-11-01_00:00:00_daily").as_str()]).unwrap();
        assert!(daily.matches("pyznap_2027-01-01_00:00:00_daily"));
        assert!(!daily.matches("pyznap_2026-11-01_00:00:00_yearly") && !daily.matches("syncoid_2026_daily"));
    }
}
