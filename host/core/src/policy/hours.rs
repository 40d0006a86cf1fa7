//! Times of day and days of the week, in a fixed offset from UTC.

use crate::text::clean_line;

const MINUTES_OF_DAY: i64 = 24 * 60;
const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// `08:00-18:00`: from the first minute on, up to the second. Where the second
/// is the earlier one, over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hours {
    from: i64,
    to: i64,
}

impl Hours {
    pub(crate) const FORM: &str = "write it as in `hours = \"08:00-18:00\"`";

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let unread = || format!("`{}` is no time of day", clean_line(text, 40));
        let (from, to) = text.split_once('-').ok_or_else(unread)?;
        let from = clock(from.trim()).filter(|from| *from < MINUTES_OF_DAY).ok_or_else(unread)?;
        let to = clock(to.trim()).ok_or_else(unread)?;
        if from == to {
            return Err(format!("`{}` ends when it begins", clean_line(text, 40)));
        }
        Ok(Self { from, to })
    }

    fn is_over_midnight(self) -> bool {
        self.to < self.from
    }

    fn contain(self, minute: i64) -> bool {
        if self.is_over_midnight() {
            minute >= self.from || minute < self.to
        } else {
            (self.from..self.to).contains(&minute)
        }
    }
}

/// `24:00` is the end of the day.
fn clock(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let at = hour * 60 + minute;
    (minute < 60 && at <= MINUTES_OF_DAY).then_some(at)
}

/// Some days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Days {
    /// One for each, Monday first.
    on: [bool; 7],
}

impl Days {
    /// Adds `mon` or `mon-fri`; `fri-mon` goes over the week's end.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), String> {
        let unread = || format!("`{}` is no day of the week", clean_line(text, 40));
        let day = |name: &str| {
            let name = name.trim().to_ascii_lowercase();
            WEEK.iter().position(|day| *day == name).ok_or_else(unread)
        };
        let (from, to) = match text.split_once('-') {
            Some((from, to)) => (day(from)?, day(to)?),
            None => (day(text)?, day(text)?),
        };
        let length = (to + 7 - from) % 7;
        for step in 0..=length {
            if let Some(on) = self.on.get_mut((from + step) % 7) {
                *on = true;
            }
        }
        Ok(())
    }

    fn contain(self, day: i64) -> bool {
        usize::try_from(day.rem_euclid(7)).ok().and_then(|day| self.on.get(day)).copied().unwrap_or(false)
    }
}

/// `+01:00` or `Z`, in minutes.
pub(crate) fn offset(text: &str) -> Result<i64, String> {
    if text == "Z" {
        return Ok(0);
    }
    let signed = text.strip_prefix('+').map(|rest| (1, rest));
    let signed = signed.or_else(|| text.strip_prefix('-').map(|rest| (-1, rest)));
    signed
        .and_then(|(sign, rest)| clock(rest).map(|minutes| sign * minutes))
        .filter(|minutes| minutes.abs() <= 14 * 60)
        .ok_or_else(|| format!("`{}` is no offset from UTC", clean_line(text, 40)))
}

/// Whether the moment, in milliseconds since 1970, lies in the hours of one of
/// the days. Hours over midnight belong to the day on which they begin.
pub(crate) fn holds(at_ms: i64, offset: i64, hours: Option<Hours>, days: Option<Days>) -> (bool, bool) {
    let minutes = at_ms.div_euclid(60_000).saturating_add(offset);
    let (day, minute) = (minutes.div_euclid(MINUTES_OF_DAY), minutes.rem_euclid(MINUTES_OF_DAY));
    let in_hours = hours.is_none_or(|hours| hours.contain(minute));
    let began_yesterday = hours.is_some_and(|hours| hours.is_over_midnight() && minute < hours.to);
    // The first day of 1970 was a Thursday.
    let weekday = day + 3 - i64::from(began_yesterday);
    (in_hours, days.is_none_or(|days| days.contain(weekday)))
}

/// `thu 14:05`, for people.
pub(crate) fn local(at_ms: i64, offset: i64) -> String {
    let minutes = at_ms.div_euclid(60_000).saturating_add(offset);
    let (day, minute) = (minutes.div_euclid(MINUTES_OF_DAY), minutes.rem_euclid(MINUTES_OF_DAY));
    let name = usize::try_from((day + 3).rem_euclid(7)).ok().and_then(|day| WEEK.get(day)).unwrap_or(&"");
    format!("{name} {:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Minutes after the beginning of Monday, 5 January 1970.
    fn monday(hours: i64, minutes: i64) -> i64 {
        (4 * MINUTES_OF_DAY + hours * 60 + minutes) * 60_000
    }

    fn days(list: &[&str]) -> Days {
        let mut days = Days::default();
        for text in list {
            days.add(text).unwrap();
        }
        days
    }

    #[test]
    fn hours_and_days() {
        for (hours, list, offset, at, expect) in [
            ("08:00-18:00", vec![], 0, monday(8, 0), true),
            ("08:00-18:00", vec![], 0, monday(7, 59), false),
            ("08:00-18:00", vec![], 0, monday(18, 0), false),
            ("08:00-18:00", vec![], 60, monday(7, 0), true),
            ("08:00-18:00", vec![], -60, monday(8, 30), false),
            ("18:00-24:00", vec![], 0, monday(23, 59), true),
            ("22:00-06:00", vec![], 0, monday(23, 0), true),
            ("22:00-06:00", vec![], 0, monday(5, 59), true),
            ("22:00-06:00", vec![], 0, monday(12, 0), false),
            // Monday at 03:00 is still the night of Sunday.
            ("22:00-06:00", vec!["sun"], 0, monday(3, 0), true),
            ("22:00-06:00", vec!["mon"], 0, monday(3, 0), false),
            ("22:00-06:00", vec!["mon"], 0, monday(24 + 3, 0), true),
            ("00:00-24:00", vec!["mon-fri"], 0, monday(10, 0), true),
            ("00:00-24:00", vec!["Tue-Fri"], 0, monday(10, 0), false),
            ("00:00-24:00", vec!["fri-mon"], 0, monday(10, 0), true),
            ("00:00-24:00", vec!["fri-mon"], 0, monday(24 + 10, 0), false),
            ("00:00-24:00", vec!["sat", "sun"], 0, monday(-1, 0), true),
        ] {
            let days = (!list.is_empty()).then(|| days(&list));
            let (in_hours, on_day) = holds(at, offset, Some(Hours::parse(hours).unwrap()), days);
            assert_eq!(in_hours && on_day, expect, "{hours} {list:?} {}", local(at, offset));
        }
        assert_eq!(local(monday(14, 5), 0), "mon 14:05");
        assert_eq!(local(0, 0), "thu 00:00");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "8:00-18:00", "08:00", "08:00-08:00", "24:00-06:00", "08:60-09:00", "08:00-25:00"] {
            assert!(Hours::parse(text).is_err(), "{text}");
        }
        for text in ["", "monday", "mon-", "mon-fry"] {
            assert!(Days::default().add(text).is_err(), "{text}");
        }
        for (text, expect) in
            [("Z", Some(0)), ("+01:00", Some(60)), ("-03:30", Some(-210)), ("+15:00", None), ("01:00", None)]
        {
            assert_eq!(offset(text).ok(), expect, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_inside_or_outside(at: i64, from in 0_i64..1440, to in 0_i64..=1440, shift in -840_i64..=840) {
            prop_assume!(from != to);
            let hours = Hours { from, to };
            let all = days(&["mon-sun"]);
            let (in_hours, on_day) = holds(at, shift, Some(hours), Some(all));
            prop_assert!(on_day);
            // What one window holds, its opposite does not.
            if to < 1440 {
                let (in_other, _) = holds(at, shift, Some(Hours { from: to, to: from }), Some(all));
                prop_assert_ne!(in_hours, in_other);
            }
            let _ = local(at, shift);
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = (Hours::parse(&text), Days::default().add(&text), offset(&text));
        }
    }
}
