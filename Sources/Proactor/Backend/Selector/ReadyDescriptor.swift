/// One finding of a wait. An error or a hang-up counts as ready for both: the call that is then made says what is wrong.
struct ReadyDescriptor: BitwiseCopyable {
    var descriptor: Int32
    var readiness: Readiness
}
