//! CF calendars: counting days and splitting them into years, months and days (CF conventions, section 4.4.1).
//!
//! In: microseconds since 1970-01-01T00:00:00 of a calendar, or dates. Out: the other one. Years are astronomical:
//! 0 is the year before 1. Never mixes two calendars: the same date has different counts in each.

mod partial_date;
mod units;

pub use units::{Encoded, TimeUnits, decode};

use crate::error::{KernelError, Result};

/// Microseconds of a day.
pub const DAY: i64 = 86_400_000_000;

/// The count that stands for a missing time.
pub const NAT: i64 = i64::MIN;

/// A CF calendar (CF conventions, section 4.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Calendar {
    /// Mixed Julian/Gregorian with the gap of October 1582: `standard`, `gregorian`.
    Standard,
    /// Gregorian rules at all times.
    ProlepticGregorian,
    /// A leap day every fourth year.
    Julian,
    /// No leap days: `noleap`, `365_day`.
    NoLeap,
    /// A leap day every year: `all_leap`, `366_day`.
    AllLeap,
    /// Twelve months of thirty days.
    Day360,
}

/// A date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Civil {
    /// The astronomical year.
    pub year: i64,
    /// `1..=12`
    pub month: u32,
    /// `1..=31`
    pub day: u32,
    /// `0..24`
    pub hour: u32,
    /// `0..60`
    pub minute: u32,
    /// `0..60`
    pub second: u32,
    /// `0..1_000_000`
    pub micro: u32,
}

/// Days before each month in a year without a leap day.
const BEFORE: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/// Day number of 1582-10-15, the first Gregorian day.
const REFORM: i64 = -141_427;

impl Calendar {
    /// The calendar of a CF `calendar` attribute, in any case; an empty one is `standard`.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] for any other name.
    pub fn parse(name: &str) -> Result<Calendar> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "standard" | "gregorian" => Ok(Calendar::Standard),
            "proleptic_gregorian" => Ok(Calendar::ProlepticGregorian),
            "julian" => Ok(Calendar::Julian),
            "noleap" | "365_day" => Ok(Calendar::NoLeap),
            "all_leap" | "366_day" => Ok(Calendar::AllLeap),
            "360_day" => Ok(Calendar::Day360),
            _ => Err(KernelError::malformed(
                "calendar",
                format!(
                    "'{name}' is none of standard, proleptic_gregorian, julian, noleap, all_leap, 360_day; decode_times=false reads the numbers"
                ),
            )),
        }
    }

    /// The CF name.
    pub const fn name(self) -> &'static str {
        match self {
            Calendar::Standard => "standard",
            Calendar::ProlepticGregorian => "proleptic_gregorian",
            Calendar::Julian => "julian",
            Calendar::NoLeap => "noleap",
            Calendar::AllLeap => "all_leap",
            Calendar::Day360 => "360_day",
        }
    }

    /// Whether February has its longest form in `year`.
    pub const fn is_leap(self, year: i64) -> bool {
        let gregorian = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
        match self {
            Calendar::Standard => {
                if year > 1582 {
                    gregorian
                } else {
                    year.rem_euclid(4) == 0
                }
            }
            Calendar::ProlepticGregorian => gregorian,
            Calendar::Julian => year.rem_euclid(4) == 0,
            Calendar::NoLeap | Calendar::Day360 => false,
            Calendar::AllLeap => true,
        }
    }

    /// The last day of a month; 0 for a month outside `1..=12`.
    pub const fn days_in_month(self, year: i64, month: u32) -> u32 {
        match (self, month) {
            (_, 0 | 13..) => 0,
            (Calendar::Day360, _) => 30,
            (_, 2) => 28 + self.is_leap(year) as u32,
            (_, 4 | 6 | 9 | 11) => 30,
            _ => 31,
        }
    }

    /// The day of the year of its last day.
    pub const fn days_in_year(self, year: i64) -> u32 {
        match self {
            Calendar::Day360 => 360,
            _ => 365 + self.is_leap(year) as u32,
        }
    }

    /// Day of the year, 1 on 1 January. The days dropped in 1582 are counted, as cftime does.
    pub const fn day_of_year(self, date: Civil) -> u32 {
        match self {
            Calendar::Day360 => (date.month - 1) * 30 + date.day,
            _ => BEFORE[date.month as usize - 1] as u32 + (date.month > 2 && self.is_leap(date.year)) as u32 + date.day,
        }
    }

    /// Day of the week, 0 on Monday; in the calendars of models by cftime's running count.
    pub const fn weekday(self, micros: i64) -> u32 {
        let first = match self {
            Calendar::Standard | Calendar::ProlepticGregorian | Calendar::NoLeap => 3,
            Calendar::Julian | Calendar::Day360 => 2,
            Calendar::AllLeap => 6,
        };
        (micros.div_euclid(DAY) + first).rem_euclid(7) as u32
    }

    /// Day number of a date, 0 on 1970-01-01 of this calendar; the date must exist.
    fn day_number(self, year: i64, month: u32, day: u32) -> i64 {
        let (m, d) = (month as i64, day as i64);
        let leap_shift = |leap: bool| if leap && m > 2 { 1 } else { 0 };
        match self {
            Calendar::ProlepticGregorian => gregorian_day(year, m, d),
            Calendar::Julian => julian_day(year, m, d) - julian_day(1970, 1, 1),
            Calendar::Standard if (year, m, d) >= (1582, 10, 15) => gregorian_day(year, m, d),
            Calendar::Standard => REFORM + julian_day(year, m, d) - julian_day(1582, 10, 5),
            Calendar::NoLeap => (year - 1970) * 365 + BEFORE[month as usize - 1] + d - 1,
            Calendar::AllLeap => (year - 1970) * 366 + BEFORE[month as usize - 1] + leap_shift(true) + d - 1,
            Calendar::Day360 => (year - 1970) * 360 + (m - 1) * 30 + d - 1,
        }
    }

    /// Year, month and day of a day number.
    fn date_of(self, days: i64) -> (i64, u32, u32) {
        match self {
            Calendar::ProlepticGregorian => gregorian_date(days),
            Calendar::Julian => julian_date(days + julian_day(1970, 1, 1)),
            Calendar::Standard if days >= REFORM => gregorian_date(days),
            Calendar::Standard => julian_date(days - REFORM + julian_day(1582, 10, 5)),
            Calendar::NoLeap => table_date(days, 365, 0),
            Calendar::AllLeap => table_date(days, 366, 1),
            Calendar::Day360 => {
                let in_year = days.rem_euclid(360);
                (1970 + days.div_euclid(360), (in_year / 30 + 1) as u32, (in_year % 30 + 1) as u32)
            }
        }
    }

    /// The date and time of a count of microseconds; [`NAT`] gives the date that the number stands for, so ask first.
    pub fn civil(self, micros: i64) -> Civil {
        let (year, month, day) = self.date_of(micros.div_euclid(DAY));
        let rest = micros.rem_euclid(DAY);
        Civil {
            year,
            month,
            day,
            hour: (rest / 3_600_000_000) as u32,
            minute: (rest / 60_000_000 % 60) as u32,
            second: (rest / 1_000_000 % 60) as u32,
            micro: (rest % 1_000_000) as u32,
        }
    }

    /// The count of microseconds of a date and time.
    ///
    /// # Errors
    /// [`KernelError::Malformed`] when it does not exist in this calendar, or lies beyond some 290,000 years.
    pub fn micros(self, date: Civil) -> Result<i64> {
        let Civil { year, month, day, hour, minute, second, micro } = date;
        let dropped = self == Calendar::Standard && (year, month) == (1582, 10) && (5..15).contains(&day);
        let exists =
            day >= 1 && day <= self.days_in_month(year, month) && !dropped && hour < 24 && minute < 60 && second < 60 && micro < 1_000_000;
        if !exists || year.abs() > 290_000 {
            return Err(KernelError::malformed(
                "date",
                format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} does not exist in the calendar {}", self.name()),
            ));
        }
        let time = ((hour as i64 * 60 + minute as i64) * 60 + second as i64) * 1_000_000 + micro as i64;
        self.day_number(year, month, day)
            .checked_mul(DAY)
            .and_then(|d| d.checked_add(time))
            .ok_or_else(|| KernelError::malformed("date", "a time beyond 64 bits"))
    }
}

/// Days since 1970-01-01 by Gregorian rules: years begin in March, so that the leap day is their last (Hinnant 2013).
fn gregorian_day(year: i64, month: i64, day: i64) -> i64 {
    let y = year - (month <= 2) as i64;
    let (era, of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn gregorian_date(days: i64) -> (i64, u32, u32) {
    let z = days + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    from_march(era * 400 + year, of_era - (365 * year + year / 4 - year / 100))
}

/// Days since 1 March of the year 0 by Julian rules.
fn julian_day(year: i64, month: i64, day: i64) -> i64 {
    let y = year - (month <= 2) as i64;
    let (era, of_era) = (y.div_euclid(4), y.rem_euclid(4));
    era * 1_461 + of_era * 365 + (153 * ((month + 9) % 12) + 2) / 5 + day - 1
}

fn julian_date(days: i64) -> (i64, u32, u32) {
    let (era, of_era) = (days.div_euclid(1_461), days.rem_euclid(1_461));
    let year = (of_era - of_era / 1_460) / 365;
    from_march(era * 4 + year, of_era - 365 * year)
}

/// The date of a day of a year that begins in March.
fn from_march(year: i64, of_year: i64) -> (i64, u32, u32) {
    let m = (5 * of_year + 2) / 153;
    let month = if m < 10 { m + 3 } else { m - 9 };
    (year + (month <= 2) as i64, month as u32, (of_year - (153 * m + 2) / 5 + 1) as u32)
}

/// The date where every year has the same length.
fn table_date(days: i64, year_length: i64, leap: i64) -> (i64, u32, u32) {
    let (year, of_year) = (1970 + days.div_euclid(year_length), days.rem_euclid(year_length));
    let before = |month: usize| BEFORE[month] + if month >= 2 { leap } else { 0 };
    let month = (1..12).filter(|&m| before(m) <= of_year).count();
    (year, month as u32 + 1, (of_year - before(month) + 1) as u32)
}

#[cfg(test)]
mod tests;
