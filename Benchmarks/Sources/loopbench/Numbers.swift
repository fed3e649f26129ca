import Foundation

/// `value` with so many decimals, and its thousands apart when it has none.
func shown(_ value: Double, _ decimals: Int) -> String {
    guard value.isFinite else { return "–" }
    guard decimals == 0 else { return String(format: "%.\(decimals)f", value) }
    var digits = String(format: "%.0f", abs(value))
    var groups: [String] = []
    while digits.count > 3 {
        groups.insert(String(digits.suffix(3)), at: 0)
        digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}
