//! Points in time as Okta writes them.

use std::io::Write;

/// A point in time in whole seconds, for Okta's milliseconds are always zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];

impl Moment {
    pub(crate) const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    pub(crate) fn seconds(self) -> i64 {
        self.0
    }

    pub(crate) fn plus(self, seconds: i64) -> Self {
        Self(self.0 + seconds)
    }

    pub(crate) fn text(self) -> String {
        let mut text = Vec::with_capacity(24);
        self.write(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Appends `2026-03-27T11:05:20.000Z`.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let (year, month, day) = civil(self.0.div_euclid(86_400));
        let second = self.0.rem_euclid(86_400);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        put(&mut text[..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], second / 3600);
        put(&mut text[14..16], second / 60 % 60);
        put(&mut text[17..19], second % 60);
        out.extend_from_slice(&text);
    }

    /// Appends `Fri, 27 Mar 2026 11:05:20 GMT` (RFC 9110, section 5.6.7).
    pub(crate) fn http_date(self) -> String {
        let days = self.0.div_euclid(86_400);
        let (year, month, day) = civil(days);
        let second = self.0.rem_euclid(86_400);
        let weekday = WEEKDAYS[days.rem_euclid(7) as usize];
        let month = MONTHS[(month - 1) as usize];
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let mut text = Vec::with_capacity(29);
        // Writing to a vector cannot fail.
        _ = write!(text, "{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT");
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Reads RFC 3339, with or without a fraction, with `Z` or an offset. The fraction is dropped.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Option<i64> {
            let digits = bytes.get(from..to)?;
            digits.iter().all(u8::is_ascii_digit).then(|| digits.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
        };
        let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
        if !marks.iter().all(|&(at, mark)| bytes.get(at) == Some(&mark)) {
            return None;
        }
        let (month, day) = (number(5, 7)?, number(8, 10)?);
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let seconds = days(number(0, 4)?, month, day) * 86_400 + number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
        let rest = text.get(19..)?;
        let zone = match rest.strip_prefix('.') {
            Some(fraction) => fraction.trim_start_matches(|character: char| character.is_ascii_digit()),
            None => rest,
        };
        Some(Self(seconds - offset(zone)?))
    }
}

fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    Some(sign * (hours.parse::<i64>().ok()? * 3600 + minutes.parse::<i64>().ok()? * 60))
}

fn put(field: &mut [u8], mut value: i64) {
    for digit in field.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of a day counted from the start of 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_year - (153 * shifted + 2) / 5 + 1)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read_as_okta_does() {
        let moment = Moment::parse("2026-03-27T11:05:20.000Z").unwrap();
        assert_eq!(moment.text(), "2026-03-27T11:05:20.000Z");
        assert_eq!(moment.http_date(), "Fri, 27 Mar 2026 11:05:20 GMT");
        assert_eq!(Moment::parse("2026-03-27T13:05:20.123+02:00"), Some(moment));
        assert_eq!(Moment::parse("2024-02-29T00:00:00Z").unwrap().text(), "2024-02-29T00:00:00.000Z");
        for wrong in ["", "2026-03-27", "2026-13-27T11:05:20Z", "2026-03-27T11:05:20", "yesterday"] {
            assert_eq!(Moment::parse(wrong), None, "{wrong}");
        }
    }
}
