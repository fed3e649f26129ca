/// `text` as it may stand in HTML and SVG, in attributes too.
func escaped(_ text: String) -> String {
    var safe = ""
    for character in text {
        switch character {
        case "&": safe += "&amp;"
        case "<": safe += "&lt;"
        case ">": safe += "&gt;"
        case "\"": safe += "&quot;"
        default: safe.append(character)
        }
    }
    return safe
}

/// A coordinate, short.
func coordinate(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
}

/// `text` as a sentence or a title begins; p50 and the like stay as they are.
func capitalised(_ text: String) -> String {
    let isPercentile = text.first == "p" && text.dropFirst().first?.isNumber == true
    return isPercentile ? text : text.prefix(1).uppercased() + text.dropFirst()
}
