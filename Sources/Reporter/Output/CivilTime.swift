/// A moment of UTC in the proleptic Gregorian calendar.
///
/// By arithmetic rather than through Foundation: a report holds hundreds of thousands of times,
/// and a `Double` of seconds keeps no nanoseconds.
package struct CivilTime: Equatable {
  let year: Int
  let month: Int
  let day: Int
  let hour: Int
  let minute: Int
  let second: Int
  let nanosecond: Int

  /// - Parameter ns: nanoseconds since 1970-01-01T00:00:00Z.
  package init(ns: UInt64) {
    nanosecond = Int(ns % 1_000_000_000)
    let seconds = Int(ns / 1_000_000_000)
    second = seconds % 60
    minute = seconds / 60 % 60
    hour = seconds / 3600 % 24
    // The year begins in March here, so that the leap day is its last day; 719,468 days lie
    // between 0000-03-01 and 1970-01-01, and 146,097 in the calendar's period of 400 years.
    let days = seconds / 86_400 + 719_468
    let period = days / 146_097
    let dayOfPeriod = days % 146_097
    let yearOfPeriod =
      (dayOfPeriod - dayOfPeriod / 1_460 + dayOfPeriod / 36_524 - dayOfPeriod / 146_096) / 365
    let dayOfYear = dayOfPeriod - (365 * yearOfPeriod + yearOfPeriod / 4 - yearOfPeriod / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = period * 400 + yearOfPeriod + (month <= 2 ? 1 : 0)
  }

  /// For people: 2026-01-31 23:59:59.
  package var text: String {
    func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(year)-\(two(month))-\(two(day)) \(two(hour)):\(two(minute)):\(two(second))"
  }
}
