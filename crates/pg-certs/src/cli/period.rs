//! Lengths of time on the command line.

use std::time::Duration;

/// Reads `30d`, `12h`, `45min`, `90s` or `2w`; a number alone is days.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let seconds = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .map(|(_, seconds)| *seconds);
    let number: Option<u64> = number.parse().ok();
    number
        .zip(seconds)
        .and_then(|(number, seconds)| number.checked_mul(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "write a number and a unit: 30d, 12h, 45min, 90s or 2w".to_owned())
}

/// Name and seconds.
const UNITS: &[(&str, u64)] = &[
    ("", 86_400),
    ("s", 1),
    ("min", 60),
    ("h", 3_600),
    ("d", 86_400),
    ("w", 604_800),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_a_number_and_a_unit() {
        for (text, seconds) in [
            ("30", Some(2_592_000)),
            ("30d", Some(2_592_000)),
            ("0d", Some(0)),
            ("12h", Some(43_200)),
            ("45min", Some(2_700)),
            ("90s", Some(90)),
            ("2w", Some(1_209_600)),
            ("", None),
            ("d", None),
            ("-1d", None),
            ("1.5d", None),
            ("30 d", None),
            ("30m", None),
            ("99999999999999999999d", None),
        ] {
            assert_eq!(parse(text).ok().map(|it| it.as_secs()), seconds, "{text}");
        }
    }
}
