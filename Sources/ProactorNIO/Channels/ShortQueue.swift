#if NIO
    import DequeModule

    /// A queue that mostly has one element at most: that one needs no memory, and is not copied on its way.
    struct ShortQueue<Element> {
        // Before all of `rest`, if it is there.
        private var first: Element?
        private var rest: Deque<Element> = []

        var isEmpty: Bool { first == nil && rest.isEmpty }
        var count: Int { (first == nil ? 0 : 1) + rest.count }

        mutating func append(_ element: consuming Element) {
            if first == nil, rest.isEmpty { first = element } else { rest.append(element) }
        }

        mutating func popFirst() -> Element? {
            if let element = first.take() { return element }
            return rest.isEmpty ? nil : rest.removeFirst()
        }

        /// There must be one.
        mutating func removeLast() -> Element {
            if !rest.isEmpty { return rest.removeLast() }
            guard let element = first.take() else {
                preconditionFailure("an empty queue has no last element")
            }
            return element
        }

        mutating func removeAll() {
            first = nil
            rest.removeAll()
        }

        func forEach(_ body: (Element) -> Void) {
            if let first { body(first) }
            rest.forEach(body)
        }
    }
#endif
