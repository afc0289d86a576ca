//! Dates counted day by day: slow, and plainly right.

/// A calendar by its CF name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calendar {
    Standard,
    NoLeap,
    Days360,
}

impl Calendar {
    pub(crate) const ALL: [Calendar; 3] = [Calendar::Standard, Calendar::NoLeap, Calendar::Days360];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Calendar::Standard => "standard",
            Calendar::NoLeap => "noleap",
            Calendar::Days360 => "360_day",
        }
    }

    fn days_of(self, year: i64, month: u32) -> u32 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        match (self, month) {
            (Calendar::Days360, _) => 30,
            (Calendar::Standard, 2) if leap => 29,
            (_, 2) => 28,
            (_, 4 | 6 | 9 | 11) => 30,
            _ => 31,
        }
    }
}

/// A day, and how many days it is after 1970-01-01 of its calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Day {
    pub(crate) count: i64,
    pub(crate) year: i64,
    pub(crate) month: u32,
    pub(crate) day: u32,
}

impl Day {
    /// The first day of 1970.
    pub(crate) const FIRST: Day = Day { count: 0, year: 1970, month: 1, day: 1 };

    pub(crate) fn next(self, calendar: Calendar) -> Day {
        let count = self.count + 1;
        if self.day < calendar.days_of(self.year, self.month) {
            Day { count, day: self.day + 1, ..self }
        } else if self.month < 12 {
            Day { count, month: self.month + 1, day: 1, ..self }
        } else {
            Day { count, year: self.year + 1, month: 1, day: 1 }
        }
    }

    /// The first day of a month.
    pub(crate) fn first_of(year: i64, month: u32, calendar: Calendar) -> Day {
        let mut day = Day::FIRST;
        while (day.year, day.month) != (year, month) {
            day = day.next(calendar);
        }
        day
    }

    /// `DJF`, `MAM`, `JJA` or `SON`.
    pub(crate) fn season(self) -> &'static str {
        match self.month {
            12 | 1 | 2 => "DJF",
            3..=5 => "MAM",
            6..=8 => "JJA",
            _ => "SON",
        }
    }

    /// As results hold it.
    pub(crate) fn micros(self) -> i64 {
        self.count * 86_400_000_000
    }
}
