//! CF calendars: counting days and splitting them into years, months and days.

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
