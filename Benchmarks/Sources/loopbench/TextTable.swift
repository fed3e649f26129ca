/// Rows in columns of equal width.
struct TextTable {
    private var rows: [[String]]

    init(columns: [String]) {
        rows = [columns, columns.map { String(repeating: "-", count: $0.count) }]
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == rows[0].count, "a row has as many cells as the head")
        rows.append(row)
    }

    /// An empty line.
    mutating func addGap() { rows.append([]) }

    func rendered() -> String {
        let widths = rows[0].indices.map { column in
            rows.filter { !$0.isEmpty }.map { $0[column].count }.max() ?? 0
        }
        var text = ""
        for row in rows {
            let cells = row.enumerated().map { index, cell in
                // Names to the left, figures to the right.
                index < 2 || index == rows[0].count - 1
                    ? padded(cell, widths[index])
                    : String(repeating: " ", count: widths[index] - cell.count) + cell
            }
            var line = cells.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        return text
    }
}

/// `text` with spaces after it, `width` wide or more.
func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}
