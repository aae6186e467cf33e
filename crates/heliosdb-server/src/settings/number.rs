//! Numbers and spans of time, by the rules of PostgreSQL's `parse_int` (`guc.c`).
//!
//! A fraction is allowed and rounded to the setting's own unit, half to even, as `rint` does.
//! Hexadecimal and octal notation is not taken over: `010` would be eight.

use std::time::Duration;

use super::error::SettingsError;
use super::kind::Unit;

/// A number, with a unit when `base` says that the setting has one, in units of `base`.
pub(super) fn parse(
    name: &'static str,
    text: &str,
    base: Option<Unit>,
) -> Result<i64, SettingsError> {
    let invalid = |hint: Option<String>| SettingsError::InvalidValue {
        name,
        value: text.to_owned(),
        hint,
    };
    let decimal = Decimal::split(text.trim());
    let Some((decimal, suffix)) = decimal else {
        return Err(invalid(Some(expected(base))));
    };
    let (unit, base_unit) = match base {
        None if suffix.is_empty() => (1, 1),
        None => return Err(invalid(Some(expected(None)))),
        Some(base) if suffix.is_empty() => (base.microseconds(), base.microseconds()),
        Some(base) => match Unit::ALL.iter().find(|unit| unit.symbol() == suffix) {
            Some(unit) => (unit.microseconds(), base.microseconds()),
            None => return Err(invalid(Some(expected(Some(base))))),
        },
    };
    decimal
        .convert(unit, base_unit)
        .filter(|count| i32::try_from(*count).is_ok())
        .ok_or_else(|| invalid(Some("Value exceeds integer range.".to_owned())))
}

/// Refuses a number outside of the range, in PostgreSQL's words.
pub(super) fn check_range(
    name: &'static str,
    value: i64,
    (min, max): (i64, i64),
    unit: Option<Unit>,
) -> Result<(), SettingsError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    let unit = unit.map_or_else(String::new, |unit| format!(" {unit}"));
    Err(SettingsError::OutOfRange {
        name,
        value,
        min,
        max,
        unit,
    })
}

/// A span of time as `SHOW` shows it: a whole number of the largest unit that fits.
pub(super) fn show_duration(duration: Duration) -> String {
    let total = duration.as_micros();
    for unit in Unit::ALL.iter().rev() {
        let size = u128::from(unit.microseconds().unsigned_abs());
        if total == 0 {
            break;
        }
        if total.is_multiple_of(size) {
            return format!("{}{unit}", total / size);
        }
    }
    total.to_string()
}

impl Unit {
    const ALL: [Self; 6] = [
        Self::Microseconds,
        Self::Milliseconds,
        Self::Seconds,
        Self::Minutes,
        Self::Hours,
        Self::Days,
    ];

    /// As it is written: `min`.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Minutes => "min",
            Self::Hours => "h",
            Self::Days => "d",
        }
    }

    /// So many of this unit; a negative count is none.
    pub(super) fn times(self, count: i64) -> Duration {
        let microseconds = count.saturating_mul(self.microseconds());
        Duration::from_micros(u64::try_from(microseconds).unwrap_or(0))
    }

    const fn microseconds(self) -> i64 {
        match self {
            Self::Microseconds => 1,
            Self::Milliseconds => 1_000,
            Self::Seconds => 1_000_000,
            Self::Minutes => 60_000_000,
            Self::Hours => 3_600_000_000,
            Self::Days => 86_400_000_000,
        }
    }
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.symbol())
    }
}

/// A decimal number as written: `scaled / 10^places`.
struct Decimal {
    scaled: i128,
    places: u32,
}

impl Decimal {
    /// The number at the start of the text, and what follows it.
    fn split(text: &str) -> Option<(Self, &str)> {
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (digits, suffix) = unsigned.split_at(end.unwrap_or(unsigned.len()));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let fraction = fraction.get(..FRACTION_DIGITS_MAX).unwrap_or(fraction);
        // What does not fit is far outside of any range, and reported as such.
        let magnitude = format!("{whole}{fraction}").parse().unwrap_or(i128::MAX);
        let scaled = if text.starts_with('-') {
            -magnitude
        } else {
            magnitude
        };
        let places = u32::try_from(fraction.len()).unwrap_or(0);
        Some((Self { scaled, places }, suffix.trim_start()))
    }

    /// The number of `unit`s as a whole number of `base_unit`s, rounded half to even.
    fn convert(&self, unit: i64, base_unit: i64) -> Option<i64> {
        let numerator = self.scaled.checked_mul(i128::from(unit))?;
        let denominator = 10_i128
            .checked_pow(self.places)?
            .checked_mul(i128::from(base_unit))?;
        let floor = numerator.div_euclid(denominator);
        let twice_the_rest = numerator.rem_euclid(denominator).checked_mul(2)?;
        let up = twice_the_rest > denominator
            || (twice_the_rest == denominator && floor.rem_euclid(2) == 1);
        i64::try_from(floor.checked_add(i128::from(up))?).ok()
    }
}

fn expected(base: Option<Unit>) -> String {
    match base {
        // PostgreSQL's own hint.
        Some(_) => "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", \
                    and \"d\"."
            .to_owned(),
        None => "Write a whole number without a unit.".to_owned(),
    }
}

/// More digits after the point change nothing in any unit, and would overflow the arithmetic.
const FRACTION_DIGITS_MAX: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn seconds(text: &str, expected: i64) {
        assert_eq!(
            parse("sample", text, Some(Unit::Seconds)).unwrap(),
            expected,
            "{text}"
        );
    }

    /// Checked against `postgres -c authentication_timeout=… -C authentication_timeout`.
    #[test]
    fn spans_are_read_as_postgresql_reads_them() {
        for (text, expected) in [
            ("60", 60),
            ("60s", 60),
            ("1min", 60),
            ("1 min", 60),
            (" 1 min ", 60),
            ("1.5min", 90),
            ("1500ms", 2),
            ("500ms", 0),
            ("2500ms", 2),
            ("1000000us", 1),
            ("1h", 3600),
            ("1d", 86_400),
            ("-5s", -5),
            ("+5", 5),
            (".5min", 30),
        ] {
            seconds(text, expected);
        }
    }

    #[track_caller]
    fn refused(text: &str, base: Option<Unit>, hint: &str) {
        let error = parse("sample", text, base).unwrap_err();
        let message = format!("invalid value for parameter \"sample\": \"{text}\"");
        assert_eq!(error.to_string(), message);
        assert_eq!(error.hint().as_deref(), Some(hint));
    }

    #[test]
    fn wrong_numbers_are_refused_in_postgresqls_words() {
        let units = "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", \
                     and \"d\".";
        for text in ["5x", "1MB", "5 S", "abc", "", "1.2.3", "-", "."] {
            refused(text, Some(Unit::Seconds), units);
        }
        for text in [
            "99999999999",
            "2147483648",
            "99999999999999999999999999999999999999999",
        ] {
            refused(text, Some(Unit::Seconds), "Value exceeds integer range.");
        }
        for text in ["5s", "abc", ""] {
            refused(text, None, "Write a whole number without a unit.");
        }
    }

    #[test]
    fn range_errors_name_the_range_with_its_unit() {
        let error = check_range("authentication_timeout", 700, (1, 600), Some(Unit::Seconds));
        assert_eq!(
            error.unwrap_err().to_string(),
            "700 s is outside the valid range for parameter \"authentication_timeout\" \
             (1 s .. 600 s)"
        );
        let error = check_range("max_connections", 0, (1, 262_143), None);
        assert_eq!(
            error.unwrap_err().to_string(),
            "0 is outside the valid range for parameter \"max_connections\" (1 .. 262143)"
        );
    }

    #[test]
    fn what_is_shown_reads_back() {
        for seconds in (0..100_000).step_by(7) {
            let shown = show_duration(Unit::Seconds.times(seconds));
            assert_eq!(
                parse("sample", &shown, Some(Unit::Seconds)).unwrap(),
                seconds,
                "{shown}"
            );
        }
    }

    #[test]
    fn no_text_upsets_the_parser() {
        let letters = [
            "",
            "0",
            "5",
            "9",
            ".",
            "-",
            "s",
            "m",
            " ",
            "é",
            "99999999999",
        ];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            texts = texts
                .iter()
                .flat_map(|text| letters.map(|letter| format!("{text}{letter}")))
                .collect();
        }
        for text in texts {
            for base in [None, Some(Unit::Microseconds), Some(Unit::Days)] {
                if let Ok(number) = parse("sample", &text, base) {
                    assert!(i32::try_from(number).is_ok(), "{text}");
                }
            }
        }
    }

    #[test]
    fn spans_are_shown_in_the_largest_unit_that_fits() {
        for (duration, shown) in [
            (Duration::from_secs(60), "1min"),
            (Duration::from_secs(90), "90s"),
            (Duration::from_secs(86_400), "1d"),
            (Duration::from_millis(1_500), "1500ms"),
            (Duration::ZERO, "0"),
        ] {
            assert_eq!(show_duration(duration), shown);
        }
    }
}
