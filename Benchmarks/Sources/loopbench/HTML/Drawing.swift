/// A plot as SVG. It stands in a page, or alone in a file.
struct Drawing {
    var title: String
    /// What it shows, in words, for those who cannot see it.
    var description: String
    var width: Double
    var height: Double
    /// Its elements; their classes are styled by ``Theme``.
    var body: String

    /// Within a page, as wide as its place.
    func inline() -> String {
        """
        <svg viewBox="0 0 \(coordinate(width)) \(coordinate(height))" role="img" \
        aria-label="\(escaped("\(title): \(description)"))">\(body)</svg>
        """
    }

    /// A file of its own, on a ground of its own, light or dark as the reader's system is.
    func standalone() -> String {
        let (wide, high) = (coordinate(width), coordinate(height))
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(wide) \(high)" width="\(wide)" height="\(high)" role="img">
            <title>\(escaped(title))</title>
            <desc>\(escaped(description))</desc>
            <style>\(Theme.standalone)</style>
            <rect class="ground" width="\(wide)" height="\(high)" rx="6"/>
            \(body)
            </svg>

            """
    }

    /// Several in rows of so many, each with some room around it.
    static func grid(_ drawings: [Drawing], columns: Int, title: String) -> Drawing {
        let margin = 12.0
        var body = ""
        var top = margin
        var widest = 0.0
        for start in stride(from: 0, to: drawings.count, by: columns) {
            let row = drawings[start..<min(start + columns, drawings.count)]
            var left = margin
            for drawing in row {
                body +=
                    "<g transform=\"translate(\(coordinate(left)) \(coordinate(top)))\">\(drawing.body)</g>\n"
                left += drawing.width + margin
            }
            widest = max(widest, left)
            top += (row.map(\.height).max() ?? 0) + margin
        }
        return Drawing(
            title: title,
            description: drawings.map { "\($0.title): \($0.description)" }.joined(separator: " "),
            width: widest,
            height: top,
            body: body
        )
    }
}
