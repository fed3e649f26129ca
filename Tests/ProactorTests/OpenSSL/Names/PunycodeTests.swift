import Testing

@testable import ProactorTLS

struct PunycodeTests {
    /// Samples of RFC 3492, 7.1, and names that exist.
    @Test(arguments: [
        ("bücher", "bcher-kva"), ("münchen", "mnchen-3ya"), ("faß", "fa-hia"),
        ("παράδειγμα", "hxajbheg2az3al"),
        ("пример", "e1afmkfd"), ("例え", "r8jz45g"), ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
        ("почемужеонинеговорятпорусски", "b1abfaaepdrnnbgefbadotcwatmq2g4l"),
        ("3年b組金八先生", "3b-ww4c5e180e575a65lsy2b"), ("そのスピードで", "d9juau41awczczp"),
        ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"), ("💩", "ls8h"),
    ])
    func labelsAreWrittenInASCII(label: String, code: String) {
        #expect(Punycode.encode(label) == code)
    }
}
